// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// Fixed positions, added to the tokens: 1 in a channel of the patch's row, and in one of its
/// column; so Dim must be at least rows + columns. The other channels have zeros.
struct RowsColumnsPositions {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim >= Grid::rows + Grid::columns, adds = true,
                          turns = false;
    /// Channels 0..rows - 1, then rows..rows + columns - 1.
    template <class T> static std::vector<T> added(const T*) {
      std::vector<T> table(Grid::patches * Dim);
      for (int patch = 0; patch < Grid::patches; ++patch) {
        table[patch * Dim + patch / Grid::columns] = 1;
        table[patch * Dim + Grid::rows + patch % Grid::columns] = 1;
      }
      return table;
    }
  };
};

}  // namespace arvit
