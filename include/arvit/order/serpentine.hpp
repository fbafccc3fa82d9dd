// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/order/rank.hpp"

namespace arvit {

/// Row by row, every second row from right to left (SemAIM's code calls it `raster`). Ranks 1..N.
struct Serpentine {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static constexpr void keys(Counter, std::span<float> key) {
    for (int y = 0; y < Grid::rows; ++y)
      for (int x = 0; x < Grid::columns; ++x)
        key[y * Grid::columns + x] = static_cast<float>(y * Grid::columns +
                                                        (y % 2 == 0 ? x : Grid::columns - 1 - x));
  }
};

}  // namespace arvit
