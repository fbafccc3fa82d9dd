// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/host_device.hpp"
#include "arvit/order/rank.hpp"

/// Orders that are random inside nested boxes (SemAIM's released code): key = U(0,1) minus 1 for
/// every box that holds the patch, so inner boxes come first.
namespace arvit {

namespace detail {
/// Half-open bounds of three nested boxes around coordinate `c` of a side: 1/7, 3/7 and 5/7 of it
/// wide (2, 6 and 10 of 14), centred on c and moved into [0, side - 1). On a side of 14 these are
/// the bounds that SemAIM's code lists, whose last row and column lie outside every box.
struct NestedBoxes {
  int begin[3], end[3];
  ARVIT_HOST_DEVICE constexpr NestedBoxes(int c, int side) : begin{}, end{} {
    const int half0 = (side + 7) / 14 > 0 ? (side + 7) / 14 : 1;
    const int centre = c <= 2 * half0 ? half0 : c >= side - 1 - 2 * half0 ? side - 1 - half0 : c;
    for (int box = 0; box < 3; ++box) {
      const int half = ((2 * box + 1) * side + 7) / 14 > 0 ? ((2 * box + 1) * side + 7) / 14 : 1;
      const int last = side - 1 - 2 * half > 0 ? side - 1 - 2 * half : 0;
      begin[box] = centre - half < 0 ? 0 : centre - half > last ? last : centre - half;
      end[box] = begin[box] + 2 * half < side - 1 ? begin[box] + 2 * half : side - 1;
    }
  }
};
/// How many of the three boxes around (cy, cx) hold the patch (y, x).
ARVIT_HOST_DEVICE constexpr int boxes_holding(const NestedBoxes& vertical,
                                              const NestedBoxes& horizontal, int y, int x) {
  int count = 0;
  for (int box = 0; box < 3; ++box)
    count += vertical.begin[box] <= y && y < vertical.end[box] && horizontal.begin[box] <= x &&
             x < horizontal.end[box];
  return count;
}
}  // namespace detail

/// Four random rings around the grid's centre (SemAIM's `center2out`): on 14 x 14 the inner squares
/// are [6,8), [4,10) and [2,12).
struct CenterOut {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    fill_uniform(key, image.with(Purpose::order));
    const auto inside = [](int at, int side, int reach) {
      return side / 2 - reach <= at && at < (side + 1) / 2 + reach;
    };
    for (int y = 0; y < Grid::rows; ++y)
      for (int x = 0; x < Grid::columns; ++x)
        for (int reach = 1; reach <= 5; reach += 2)
          key[y * Grid::columns + x] -= inside(y, Grid::rows, reach) &&
                                        inside(x, Grid::columns, reach);
  }
};

/// The boxes of SemAIM's `stochastic_center`, around a random patch.
struct StochasticCenter {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    Stream centre(image.with(Purpose::groups));
    const int cy = static_cast<int>(centre.uniform() * (Grid::rows - 1));
    const int cx = static_cast<int>(centre.uniform() * (Grid::columns - 1));
    fill_uniform(key, image.with(Purpose::order));
    const detail::NestedBoxes vertical(cy, Grid::rows), horizontal(cx, Grid::columns);
    for (int y = 0; y < Grid::rows; ++y)
      for (int x = 0; x < Grid::columns; ++x)
        key[y * Grid::columns + x] -= static_cast<float>(
            detail::boxes_holding(vertical, horizontal, y, x));
  }
};

}  // namespace arvit
