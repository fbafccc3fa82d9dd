# SPDX-License-Identifier: BSL-1.0
# Installs the package into a fresh prefix and uses it as other projects would.
foreach(case prefix find_package components wrong_component wrong_version subdirectory compiled pkg_config plain_compiler readme embed)
  add_test(NAME install/${case} COMMAND ${CMAKE_COMMAND}
    -DCASE=${case} -DVERSION=${PROJECT_VERSION} -DSOURCE=${PROJECT_SOURCE_DIR} -DBUILD=${PROJECT_BINARY_DIR}
    -DWORK=${PROJECT_BINARY_DIR}/install_test -DGENERATOR=${CMAKE_GENERATOR} -DCOMPILER=${CMAKE_CXX_COMPILER}
    "-DEIGEN=$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>"
    -P ${CMAKE_CURRENT_SOURCE_DIR}/install/run.cmake)
  set_tests_properties(install/${case} PROPERTIES LABELS install)
  if(case STREQUAL "prefix")
    set_tests_properties(install/${case} PROPERTIES FIXTURES_SETUP installed_package)
  else()
    set_tests_properties(install/${case} PROPERTIES FIXTURES_REQUIRED installed_package)
  endif()
endforeach()
