// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/order/rank.hpp"

namespace arvit {

/// Columns from left to right, the patches of a column together: one group per column, and none of
/// rank 0 (order/rank.hpp).
struct ByColumn {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    for (int x = 0; x <= Grid::columns; ++x) ends[x] = x * Grid::rows;
    return Grid::columns + 1;
  }
  template <class Grid> static constexpr void keys(Counter, std::span<float> key) {
    for (int i = 0; i < Grid::patches; ++i) key[i] = static_cast<float>(i % Grid::columns);
  }
};

}  // namespace arvit
