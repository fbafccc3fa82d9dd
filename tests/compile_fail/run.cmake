# SPDX-License-Identifier: BSL-1.0
# Compiles FILE with COMPILER and holds what it says against the sentence that FILE promises. PRECOMPILED: a folder of
# precompiled headers, or empty.
cmake_minimum_required(VERSION 3.25)
set(most_lines 14)
set(precompiled "")
if(PRECOMPILED)
  set(precompiled -I${PRECOMPILED})
  math(EXPR most_lines "${most_lines} - 1")  # the line that says where the file includes the header is not printed then
endif()

file(READ ${FILE} source)
if(NOT source MATCHES "^// SPDX[^\n]+\n// expect: ([^\n]+(\n// [^\n]+)*)\n")
  message(FATAL_ERROR "${FILE}: the second line must be '// expect: ' and the sentence that the compiler is to print; it may go on in the next ones.")
endif()
string(REPLACE "\n// " " " sentence "${CMAKE_MATCH_1}")

set(ENV{LC_ALL} C)
execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${precompiled} -I${INCLUDE} -isystem ${EIGEN} ${FILE}
  RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(status EQUAL 0)
  message(FATAL_ERROR "${FILE} compiles, but was to fail with: ${sentence}")
endif()
string(FIND "${said}" "${sentence}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "The compiler does not say: ${sentence}\nIt says:\n${said}")
endif()
string(REGEX MATCHALL " error: " errors "${said}")
list(LENGTH errors errors)
# clang's last line counts its errors and is no part of them.
string(REGEX REPLACE "[0-9]+ errors? generated.\n$" "" lines "${said}")
string(REGEX REPLACE "[^\n]" "" lines "${lines}")
string(LENGTH "${lines}" lines)
message(STATUS "${errors} error(s) in ${lines} lines")
if(NOT errors EQUAL 1 OR lines GREATER most_lines)
  message(FATAL_ERROR "The compiler is to print one error in at most ${most_lines} lines; it prints ${errors} in ${lines}:\n${said}")
endif()
