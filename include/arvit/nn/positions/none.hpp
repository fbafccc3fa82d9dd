// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// No positions: only the order, and who reads whom, tells patches apart.
struct NoPositions {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim > 0, adds = false, turns = false;
    template <class T> static std::vector<T> added(const T*) { return {}; }
  };
};

}  // namespace arvit
