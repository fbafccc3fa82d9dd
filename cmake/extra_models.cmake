# SPDX-License-Identifier: BSL-1.0
# Models that the programs of this tree hold besides their own, chosen by name at run time:
#   cmake -S . -B build -DARVIT_MODELS="SAIM_L16;MAE_L16"       aliases of variants.hpp
#   cmake -S . -B build -DARVIT_MODELS_HEADER=mine.hpp          those of OwnModels, which the header defines
# arvit_add_models(TARGET) gives them to a program.
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/variants.cmake)
set(ARVIT_MODELS "" CACHE STRING "Models of variants.hpp that the programs hold besides their own, separated by semicolons")
set(ARVIT_MODELS_HEADER "" CACHE FILEPATH "Header that defines OwnModels, an arvit::ModelList of models that the programs hold, too")
arvit_read_variants(known_models)
set(extra_models "")
foreach(model IN LISTS ARVIT_MODELS)
  if(NOT model IN_LIST known_models)
    list(JOIN known_models ", " known_models)
    message(FATAL_ERROR "ARVIT_MODELS holds '${model}', which is no model of include/arvit/variants.hpp; one of your own comes from a "
                        "header, ARVIT_MODELS_HEADER. Known: ${known_models}.")
  endif()
  list(APPEND extra_models "::arvit::Variant<::arvit::${model},\"${model}\">")
endforeach()
list(JOIN extra_models "," extra_models)

set(models_header "")
if(ARVIT_MODELS_HEADER)
  file(REAL_PATH "${ARVIT_MODELS_HEADER}" models_header BASE_DIRECTORY ${CMAKE_SOURCE_DIR} EXPAND_TILDE)
  if(NOT EXISTS ${models_header})
    message(FATAL_ERROR "ARVIT_MODELS_HEADER: there is no file ${models_header}.")
  endif()
  file(STRINGS ${models_header} defines_models REGEX "using OwnModels" LIMIT_COUNT 1)
  if(NOT defines_models)
    message(FATAL_ERROR "ARVIT_MODELS_HEADER: ${models_header} defines no OwnModels; it needs a line such as "
                        "using OwnModels = arvit::ModelList<arvit::Variant<Mine, \"Mine\">>")
  endif()
endif()

function(arvit_add_models target)
  if(extra_models)
    target_compile_definitions(${target} PRIVATE "ARVIT_EXTRA_MODELS=${extra_models}")
  endif()
  if(models_header)
    target_compile_definitions(${target} PRIVATE "ARVIT_MODELS_HEADER=\"${models_header}\"")
  endif()
endfunction()
