// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/variants.hpp"

/// What a user names with -DARVIT_MODELS_HEADER.
struct Fourth {
  static constexpr int number = 4;
};
struct Fifth {
  static constexpr int number = 6;
};
using OwnModels = arvit::ModelList<arvit::Variant<Fifth, "Fifth">>;
