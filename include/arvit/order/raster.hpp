// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/order/rank.hpp"

namespace arvit {

/// Reading order: row by row, left to right (SemAIM's code calls it `zigzag`). Ranks 1..N.
struct Raster {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static constexpr void keys(Counter, std::span<float> key) {
    for (int i = 0; i < Grid::patches; ++i) key[i] = static_cast<float>(i);
  }
};

}  // namespace arvit
