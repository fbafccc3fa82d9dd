// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/order/rank.hpp"

namespace arvit {

/// SAIM "Order": an independent uniform permutation of the patches for every image and step.
/// Ranks 1..N, all different.
struct Stochastic {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    fill_uniform(key, image.with(Purpose::order));
  }
};

}  // namespace arvit
