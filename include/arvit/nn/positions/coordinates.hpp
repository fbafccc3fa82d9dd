// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// The row and the column of a patch, in the first two channels.
struct Coordinates {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim >= 2, adds = true, turns = false;
    template <class T> static std::vector<T> added(const T*) {
      std::vector<T> table(Grid::patches * Dim);
      for (int patch = 0; patch < Grid::patches; ++patch) {
        table[patch * Dim] = static_cast<T>(patch / Grid::columns);
        table[patch * Dim + 1] = static_cast<T>(patch % Grid::columns);
      }
      return table;
    }
  };
};

}  // namespace arvit
