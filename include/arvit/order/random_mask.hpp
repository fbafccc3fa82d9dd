// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ratio>

#include "arvit/order/rank.hpp"

namespace arvit {

/// MAE: a uniformly random part of the patches is visible (rank 0), the rest masked (rank 1). Keep: the visible share; 1/4 by default.
template <class Keep = std::ratio<1, 4>>
struct RandomMask {
  static_assert(Keep::num > 0 && Keep::num < Keep::den, "RandomMask<Keep>: Keep is the visible share of the patches, strictly between 0 and 1.");
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int visible = static_cast<int>(Grid::patches * Keep::num / Keep::den);
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    static_assert(visible<Grid> > 0, "RandomMask<Keep>: no patch of this grid would stay visible; raise Keep or the number of patches.");
    ends[0] = visible<Grid>;
    ends[1] = Grid::patches;
    return 2;
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) { fill_uniform(key, image.with(Purpose::order)); }
};

}  // namespace arvit
