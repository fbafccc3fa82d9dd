# SPDX-License-Identifier: BSL-1.0
# ARVIT_MODELS adds aliases of variants.hpp to the programs that choose a model by name:
#   cmake -S . -B build -DARVIT_MODELS="SAIM_L16;MAE_L16"
# `extra_models` becomes the value of their ARVIT_EXTRA_MODELS, or empty.
set(ARVIT_MODELS "" CACHE STRING "Models of variants.hpp that the programs hold besides their own, separated by semicolons")
set(extra_models "")
file(STRINGS ${PROJECT_SOURCE_DIR}/include/arvit/variants/variant_names.hpp known_models REGEX "^    \"")
string(REGEX MATCHALL "[A-Za-z0-9_]+" known_models "${known_models}")
foreach(model IN LISTS ARVIT_MODELS)
  if(NOT model IN_LIST known_models)
    list(JOIN known_models ", " known_models)
    message(FATAL_ERROR "ARVIT_MODELS holds '${model}', which is no model of include/arvit/variants.hpp. Known: ${known_models}.")
  endif()
  list(APPEND extra_models "::arvit::Variant<::arvit::${model},\"${model}\">")
endforeach()
list(JOIN extra_models "," extra_models)
