# SPDX-License-Identifier: BSL-1.0
# Every header, and every file of definitions, must compile alone, be guarded against a second inclusion, and define nothing
# twice in one program. For each one file is generated that includes it twice and nothing else; two more include all headers,
# with their definitions, and are linked together.
file(GLOB_RECURSE public_files RELATIVE ${PROJECT_SOURCE_DIR}/include CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/include/arvit/*.hpp ${PROJECT_SOURCE_DIR}/include/arvit/*.ipp)
set(alone_files "")
set(all_lines "")
foreach(included IN LISTS public_files)
  string(REGEX REPLACE "[/.]" "_" name ${included})
  set(file ${PROJECT_BINARY_DIR}/headers/${name}.cpp)
  file(CONFIGURE OUTPUT ${file} CONTENT "#include <${included}>\n#include <${included}>\n" @ONLY)
  list(APPEND alone_files ${file})
  if(included MATCHES "[.]hpp$")
    string(APPEND all_lines "#include <${included}>\n")
  endif()
endforeach()
set(all_file ${PROJECT_BINARY_DIR}/headers/all.cpp)
set(again_file ${PROJECT_BINARY_DIR}/headers/all_again.cpp)
file(CONFIGURE OUTPUT ${all_file} CONTENT "${all_lines}int main() {}\n" @ONLY)
file(CONFIGURE OUTPUT ${again_file} CONTENT "${all_lines}" @ONLY)
set(header_libraries arvit::gemm arvit::io arvit::image arvit::options)

add_executable(headers_in_one_program ${all_file} ${again_file})
target_compile_options(headers_in_one_program PRIVATE -O0)
target_link_libraries(headers_in_one_program PRIVATE ${header_libraries})
add_test(NAME headers/in_one_program COMMAND headers_in_one_program)

# That a file compiles alone depends on its includes, not on the compiler: once, with g++, will do. With ARVIT_COMPILED no
# header brings its definitions, on whose includes none must lean.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_library(headers_alone OBJECT ${alone_files})
  target_compile_options(headers_alone PRIVATE -O0)
  target_compile_definitions(headers_alone PRIVATE ARVIT_COMPILED=1)
  target_link_libraries(headers_alone PRIVATE ${header_libraries})
endif()
