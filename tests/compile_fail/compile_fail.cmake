# SPDX-License-Identifier: BSL-1.0
# Every tests/compile_fail/*.cpp must fail to compile, with the sentence of its first lines, "// expect: sentence", in one error
# of fewer than 15 lines, whichever compiler it is.
# g++ reads the header that most of them include precompiled, from a folder that it searches first: a third of the time.
set(eigen $<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>)
set(precompiled "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(precompiled ${PROJECT_BINARY_DIR}/compile_fail)
  set(header ${precompiled}/arvit/models.hpp.gch)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${precompiled}/arvit
    COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -w -I${PROJECT_SOURCE_DIR}/include -isystem ${eigen} -x c++-header
      ${PROJECT_SOURCE_DIR}/include/arvit/models.hpp -o ${header} -MD -MF ${header}.d -MT ${header}
    DEPFILE ${header}.d)
  add_custom_target(compile_fail_precompiled ALL DEPENDS ${header})
  # g++ does not ask whether it is older than what it was made of.
  add_test(NAME compile_fail_precompiled COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target compile_fail_precompiled)
  set_tests_properties(compile_fail_precompiled PROPERTIES LABELS compile_fail FIXTURES_SETUP precompiled_models)
endif()
file(GLOB_RECURSE wrong_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/*.cpp)
foreach(file IN LISTS wrong_files)
  cmake_path(GET file STEM name)
  add_test(NAME compile_fail/${name} COMMAND ${CMAKE_COMMAND}
    -DCOMPILER=${CMAKE_CXX_COMPILER} -DFILE=${file} -DINCLUDE=${PROJECT_SOURCE_DIR}/include
    -DEIGEN=${eigen} -DPRECOMPILED=${precompiled}
    -P ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/run.cmake)
  set_tests_properties(compile_fail/${name} PROPERTIES LABELS compile_fail)
  if(precompiled)
    set_tests_properties(compile_fail/${name} PROPERTIES FIXTURES_REQUIRED precompiled_models)
  endif()
endforeach()
