# SPDX-License-Identifier: BSL-1.0
# Through nvcc: every header, one test per folder of include/arvit, and a step of every decoder kind.
find_program(ARVIT_NVCC nvcc HINTS /usr/local/cuda/bin REQUIRED)
file(GLOB_RECURSE nvcc_headers RELATIVE ${PROJECT_SOURCE_DIR}/include/arvit CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/arvit/*.hpp)
list(TRANSFORM nvcc_headers REPLACE "/[^/]+$" "" OUTPUT_VARIABLE nvcc_folders)
list(FILTER nvcc_folders EXCLUDE REGEX "[.]hpp$")
list(REMOVE_DUPLICATES nvcc_folders)
string(TOUPPER ${arvit_gemm_component} gemm)
foreach(folder IN LISTS nvcc_folders ITEMS .)
  add_test(NAME nvcc/${folder} COMMAND ${PROJECT_SOURCE_DIR}/scripts/check_headers.sh ${folder})
  set_tests_properties(nvcc/${folder} PROPERTIES
    LABELS nvcc ENVIRONMENT "NVCC=${ARVIT_NVCC};NVCCFLAGS=-DARVIT_GEMM_${gemm}=1;EIGEN=$<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>")
endforeach()

# A step of every decoder kind, compiled, linked and started.
add_test(NAME nvcc/models_build COMMAND ${ARVIT_NVCC} -std=c++20 -O0 -diag-suppress 20012,20014,20015
  -I${PROJECT_SOURCE_DIR}/include -o ${CMAKE_CURRENT_BINARY_DIR}/nvcc_models ${CMAKE_CURRENT_SOURCE_DIR}/nvcc/models.cu)
add_test(NAME nvcc/models COMMAND ${CMAKE_CURRENT_BINARY_DIR}/nvcc_models)
set_tests_properties(nvcc/models_build PROPERTIES LABELS nvcc FIXTURES_SETUP nvcc_models FAIL_REGULAR_EXPRESSION "warning")
set_tests_properties(nvcc/models PROPERTIES LABELS nvcc FIXTURES_REQUIRED nvcc_models)
