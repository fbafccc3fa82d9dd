# SPDX-License-Identifier: BSL-1.0
# Every header, and every file of definitions, must compile alone, be guarded against a second inclusion, and define nothing
# twice in one program. Those that a test or a part of arvit::compiled includes before anything else are seen to compile alone
# there; for each other one a file is generated that includes it and nothing else. Two more include all of them, one twice, and are
# linked together.
file(GLOB_RECURSE public_files RELATIVE ${PROJECT_SOURCE_DIR}/include CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/include/arvit/*.hpp ${PROJECT_SOURCE_DIR}/include/arvit/*.ipp)
set(all_lines "")
foreach(included IN LISTS public_files)
  string(APPEND all_lines "#include <${included}>\n")
endforeach()
set(all_file ${PROJECT_BINARY_DIR}/headers/all.cpp)
set(again_file ${PROJECT_BINARY_DIR}/headers/all_again.cpp)
file(CONFIGURE OUTPUT ${all_file} CONTENT "${all_lines}${all_lines}int main() {}\n" @ONLY)
file(CONFIGURE OUTPUT ${again_file} CONTENT "${all_lines}" @ONLY)

add_executable(headers_in_one_program ${all_file} ${again_file})
target_compile_options(headers_in_one_program PRIVATE -O0)
target_link_libraries(headers_in_one_program PRIVATE arvit::gemm arvit::io arvit::image arvit::options)
add_test(NAME headers/in_one_program COMMAND headers_in_one_program)

# That a file compiles alone depends on its includes, not on the compiler: once, with g++, will do. With ARVIT_COMPILED no
# header brings its definitions, on whose includes none must lean.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR NOT "unit" IN_LIST ARVIT_TEST_KINDS)
  return()
endif()
file(GLOB_RECURSE including_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${PROJECT_SOURCE_DIR}/cmake/compiled/*.cpp)
list(FILTER including_files EXCLUDE REGEX "/tests/(compile_fail|install|nvcc|support)/")
set(included_first "")
foreach(file IN LISTS including_files)
  file(STRINGS ${file} line REGEX "^#include" LIMIT_COUNT 1)
  if(line MATCHES "\"(arvit/[^\"]+)\"")
    list(APPEND included_first ${CMAKE_MATCH_1})
  endif()
endforeach()
list(REMOVE_ITEM public_files ${included_first})

set(stamps "")
foreach(included IN LISTS public_files)
  string(REGEX REPLACE "[/.]" "_" name ${included})
  set(file ${PROJECT_BINARY_DIR}/headers/${name}.cpp)
  set(stamp ${PROJECT_BINARY_DIR}/headers/${name}.compiled)
  file(CONFIGURE OUTPUT ${file} CONTENT "#include <${included}>\n" @ONLY)
  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -DARVIT_COMPILED=1
      "-I$<JOIN:$<TARGET_PROPERTY:headers_in_one_program,INCLUDE_DIRECTORIES>,;-I>" ${file} -MD -MF ${stamp}.d -MT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${file} DEPFILE ${stamp}.d COMMENT "Compiling ${included} alone" COMMAND_EXPAND_LISTS VERBATIM)
  list(APPEND stamps ${stamp})
endforeach()
add_custom_target(headers_alone ALL DEPENDS ${stamps})
