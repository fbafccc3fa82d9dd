# SPDX-License-Identifier: BSL-1.0
# The components of arvit: which packages each one needs, what it links and, for pkg-config, requires. One list for this project's own build and,
# installed beside arvitConfig.cmake, for find_package(arvit).

list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/modules)

set(arvit_components io image options onednn cblas)

set(arvit_packages_io xtensor ZLIB)
set(arvit_libraries_io xtensor ZLIB::ZLIB)
set(arvit_pc_io "xtensor zlib")

set(arvit_packages_image JPEG PNG)
set(arvit_libraries_image JPEG::JPEG PNG::PNG)
set(arvit_pc_image "libjpeg libpng")

set(arvit_packages_options CLI11)
set(arvit_libraries_options CLI11::CLI11)
set(arvit_pc_options "CLI11")

set(arvit_packages_onednn oneDNN)
set(arvit_libraries_onednn oneDNN::oneDNN)

set(arvit_packages_cblas CBLAS)
set(arvit_libraries_cblas CBLAS::CBLAS)

# Finds the packages of a component; arvit_missing_<component> lists those that are not there.
macro(arvit_find_packages component)
  set(arvit_missing_${component} "")
  foreach(arvit_package IN LISTS arvit_packages_${component})
    find_package(${arvit_package} ${ARGN})
    if(NOT ${arvit_package}_FOUND)
      list(APPEND arvit_missing_${component} ${arvit_package})
    endif()
  endforeach()
  list(JOIN arvit_missing_${component} ", " arvit_missing_${component})
endmacro()

# Adds arvit::compiled: what depends on no model (kernels, file formats, command line, loader), compiled in the build of
# whoever links it, once for all its programs. Needs the components io, image, options and gemm.
function(arvit_add_compiled folder)
  file(GLOB sources ${folder}/*.cpp)
  add_library(arvit_compiled STATIC EXCLUDE_FROM_ALL ${sources})
  target_compile_definitions(arvit_compiled PUBLIC ARVIT_COMPILED=1)
  target_link_libraries(arvit_compiled PUBLIC arvit::gemm arvit::io arvit::image arvit::options)
  # Whatever the rest of the program is compiled with, unless a sanitizer or coverage is to look at every line.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}" MATCHES "-fsanitize|--coverage")
    target_compile_options(arvit_compiled PRIVATE -O2)
  endif()
  add_library(arvit::compiled ALIAS arvit_compiled)
endfunction()

# Links `target` to the matrix products that ARVIT_GEMM names (none: our own); arvit_gemm_component and arvit_gemm_choice name them.
macro(arvit_choose_gemm target)
  set(arvit_gemm_component "${ARVIT_GEMM}")
  if(arvit_gemm_component STREQUAL "")
    set(arvit_gemm_component own)
  endif()
  if(NOT arvit_gemm_component MATCHES "^(own|onednn|cblas|eigen)$")
    message(FATAL_ERROR "ARVIT_GEMM is '${ARVIT_GEMM}'; it must be own, onednn, cblas or eigen.")
  elseif(arvit_missing_${arvit_gemm_component})
    message(FATAL_ERROR "ARVIT_GEMM is '${ARVIT_GEMM}', but ${arvit_missing_${arvit_gemm_component}} was not found; "
                        "install it, or set ARVIT_GEMM to own.")
  endif()
  if(arvit_gemm_component STREQUAL "onednn")
    set(arvit_gemm_choice "oneDNN ${oneDNN_VERSION}")
    target_link_libraries(${target} INTERFACE arvit::onednn)
  elseif(arvit_gemm_component STREQUAL "cblas")
    set(arvit_gemm_choice "CBLAS (${CBLAS_LIBRARY})")
    target_link_libraries(${target} INTERFACE arvit::cblas)
  else()
    set(arvit_gemm_choice "arvit's kernel")
    target_link_libraries(${target} INTERFACE arvit::arvit)
    if(arvit_gemm_component STREQUAL "eigen")
      set(arvit_gemm_choice "Eigen ${Eigen3_VERSION}")
      target_compile_definitions(${target} INTERFACE ARVIT_GEMM_EIGEN=1)
    endif()
  endif()
endmacro()
