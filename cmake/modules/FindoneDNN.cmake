# SPDX-License-Identifier: BSL-1.0
# oneDNN through its C header. Its own CMake package demands OpenCL of every user, who does not need it to multiply matrices.
find_path(oneDNN_INCLUDE_DIR dnnl.h)
find_library(oneDNN_LIBRARY dnnl)
mark_as_advanced(oneDNN_INCLUDE_DIR oneDNN_LIBRARY)

if(oneDNN_INCLUDE_DIR)
  file(STRINGS ${oneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h oneDNN_VERSION REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) +[0-9]")
  string(REGEX REPLACE "[^0-9;]" "" oneDNN_VERSION "${oneDNN_VERSION}")
  list(JOIN oneDNN_VERSION "." oneDNN_VERSION)
  file(STRINGS ${oneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_config.h oneDNN_OPENMP
       REGEX "#define DNNL_CPU_THREADING_RUNTIME +DNNL_RUNTIME_OMP")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(oneDNN REQUIRED_VARS oneDNN_LIBRARY oneDNN_INCLUDE_DIR VERSION_VAR oneDNN_VERSION)
if(oneDNN_FOUND AND NOT TARGET oneDNN::oneDNN)
  add_library(oneDNN::oneDNN UNKNOWN IMPORTED)
  set_target_properties(oneDNN::oneDNN PROPERTIES
    IMPORTED_LOCATION "${oneDNN_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${oneDNN_INCLUDE_DIR}")
  if(oneDNN_OPENMP)
    # It is called one thread at a time, from our own pool, whose threads say so to the OpenMP runtime that oneDNN uses.
    target_link_libraries(oneDNN::oneDNN INTERFACE gomp)
  endif()
endif()
