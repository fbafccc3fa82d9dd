# SPDX-License-Identifier: BSL-1.0
# Every header must compile alone, be guarded against a second inclusion, and define nothing twice in one program. For each
# header one file is generated that includes it twice and nothing else; one more includes all of them; all are linked together.
file(GLOB_RECURSE public_headers RELATIVE ${PROJECT_SOURCE_DIR}/include CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/arvit/*.hpp)
set(alone_files "")
set(apart_files "")
set(all_lines "")
foreach(header IN LISTS public_headers)
  string(REGEX REPLACE "[/.]" "_" name ${header})
  set(file ${PROJECT_BINARY_DIR}/headers/${name}.cpp)
  file(CONFIGURE OUTPUT ${file} CONTENT "#include <${header}>\n#include <${header}>\n" @ONLY)
  list(APPEND alone_files ${file})
  string(APPEND all_lines "#include <${header}>\n")
  file(STRINGS ${PROJECT_SOURCE_DIR}/include/${header} definitions REGEX "^#if !defined\\(ARVIT_COMPILED\\)" LIMIT_COUNT 1)
  if(definitions)
    list(APPEND apart_files ${file})
  endif()
endforeach()
set(all_file ${PROJECT_BINARY_DIR}/headers/all.cpp)
file(CONFIGURE OUTPUT ${all_file} CONTENT "${all_lines}int main() {}\n" @ONLY)

# That a header compiles alone depends on its includes, not on the compiler: with others than g++ the one file with all of them will do, in a tenth of the time.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(alone_files "")
endif()
add_executable(headers_in_one_program ${alone_files} ${all_file})
target_compile_options(headers_in_one_program PRIVATE -O0)
target_link_libraries(headers_in_one_program PRIVATE arvit::gemm arvit::io arvit::image arvit::options)
add_test(NAME headers/in_one_program COMMAND headers_in_one_program)

# Headers whose definitions are compiled apart (core/linkage.hpp) must not lean on an include that only those need.
add_library(headers_apart OBJECT ${apart_files})
target_compile_options(headers_apart PRIVATE -O0)
target_compile_definitions(headers_apart PRIVATE ARVIT_COMPILED=1)
target_link_libraries(headers_apart PRIVATE arvit::gemm arvit::io arvit::image arvit::options)
