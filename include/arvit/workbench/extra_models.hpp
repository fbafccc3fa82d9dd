// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/variants/model_list.hpp"
#ifdef ARVIT_EXTRA_MODELS
#include "arvit/variants.hpp"
#endif
#ifdef ARVIT_MODELS_HEADER
#include ARVIT_MODELS_HEADER
#endif

/// Models that a build adds to the programs of this tree. CMake's -DARVIT_MODELS="SAIM_L16;MAE_L16"
/// makes ARVIT_EXTRA_MODELS, a comma-separated list of Variant<...>, of names;
/// -DARVIT_MODELS_HEADER=mine.hpp names a header that defines OwnModels, a ModelList.
namespace arvit {

namespace detail {
#ifdef ARVIT_EXTRA_MODELS
using ExtraModels = ModelList<ARVIT_EXTRA_MODELS>;
#else
using ExtraModels = ModelList<>;
#endif
#ifdef ARVIT_MODELS_HEADER
using HeaderModels = ::OwnModels;
#else
using HeaderModels = ModelList<>;
#endif
}  // namespace detail

/// The list and what the build adds to it.
template <class List>
using WithExtraModels = Joined<Joined<List, detail::ExtraModels>, detail::HeaderModels>;

}  // namespace arvit
