// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/order/rank.hpp"

namespace arvit {

/// Anti-diagonals from the top left, the patches of one together: the patch at (row y, column x)
/// has rank 1 + y + x. Ranks 1..rows + columns - 1.
struct Diagonal {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    constexpr int groups = Grid::rows + Grid::columns;
    for (int rank = 0; rank < groups; ++rank) {
      ends[rank] = 0;
      for (int y = 0; y < Grid::rows; ++y) ends[rank] += std::clamp(rank - y, 0, Grid::columns);
    }
    return groups;
  }
  template <class Grid> static constexpr void keys(Counter, std::span<float> key) {
    for (int i = 0; i < Grid::patches; ++i)
      key[i] = static_cast<float>(i / Grid::columns + i % Grid::columns);
  }
};

}  // namespace arvit
