# SPDX-License-Identifier: BSL-1.0
# Every tests/compile_fail/*.cpp must fail to compile, with the sentence of its first lines, "// expect: sentence", in one error
# of fewer than 15 lines, whichever compiler it is.
file(GLOB_RECURSE wrong_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/*.cpp)
foreach(file IN LISTS wrong_files)
  cmake_path(GET file STEM name)
  add_test(NAME compile_fail/${name} COMMAND ${CMAKE_COMMAND}
    -DCOMPILER=${CMAKE_CXX_COMPILER} -DFILE=${file} -DINCLUDE=${PROJECT_SOURCE_DIR}/include
    "-DEIGEN=$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>" -P ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/run.cmake)
  set_tests_properties(compile_fail/${name} PROPERTIES LABELS compile_fail)
endforeach()
