# SPDX-License-Identifier: BSL-1.0
# A BLAS with the C interface: a header cblas.h and a library that defines cblas_sgemm. Set CBLAS_LIBRARY to name another one.
find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas openblas-pthread blis)
find_library(CBLAS_LIBRARY NAMES openblas blis cblas blas)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

if(CBLAS_INCLUDE_DIR AND CBLAS_LIBRARY)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${CBLAS_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${CBLAS_LIBRARY})
  set(CMAKE_REQUIRED_QUIET TRUE)
  check_cxx_source_compiles("extern \"C\" {\n#include <cblas.h>\n}\nint main() { return sizeof(&cblas_sgemm) == 0; }" CBLAS_HEADER_WORKS)
  check_cxx_source_compiles("extern \"C\" void cblas_sgemm();\nint main() { cblas_sgemm(); }" CBLAS_LIBRARY_WORKS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  unset(CMAKE_REQUIRED_QUIET)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CBLAS
  REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR CBLAS_HEADER_WORKS CBLAS_LIBRARY_WORKS)
if(CBLAS_FOUND AND NOT TARGET CBLAS::CBLAS)
  add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
  set_target_properties(CBLAS::CBLAS PROPERTIES
    IMPORTED_LOCATION "${CBLAS_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CBLAS_INCLUDE_DIR}")
endif()
