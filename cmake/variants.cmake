# SPDX-License-Identifier: BSL-1.0
# The names of all models, read from the rows of include/arvit/variants/*.hpp before anything is compiled; tests/variants holds
# them against what the compiler sees. As a script it prints them, one a line:
#   cmake -P cmake/variants.cmake
function(arvit_read_variants result)
  file(GLOB files ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include/arvit/variants/*.hpp)
  set(names "")
  foreach(file IN LISTS files)
    file(STRINGS ${file} rows REGEX "^ +VariantRow<[A-Za-z0-9_]+>{")
    foreach(row IN LISTS rows)
      string(REGEX REPLACE "^ +VariantRow<([A-Za-z0-9_]+)>.*" "\\1" name "${row}")
      list(APPEND names ${name})
    endforeach()
  endforeach()
  set(${result} ${names} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  arvit_read_variants(names)
  list(JOIN names "\n" lines)
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${lines}")
endif()
