// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/order/cluster.hpp"
#include "arvit/order/rank.hpp"

namespace arvit {

/// RandSAC (Hua et al. 2023), as far as its ranks go: the grid is cut into squares of Outer x Outer
/// patches and these into segments of Inner x Inner. The squares follow each other in a random
/// order, and inside each of them its segments, in an order of its own. All patches of the i-th
/// segment have rank i = 1, 2, ... Segments<Side> has one level: the squares are the segments.
template <int Outer, int Inner = Outer> struct Segments {
  static constexpr bool well_formed = Inner > 0 && Outer > 0 && Outer % Inner == 0;
  static_assert(well_formed,
                "Segments<Outer, Inner>: both are sides in patches; Inner must be positive and "
                "divide Outer.");
  static constexpr bool fixed_profile = true;
  static constexpr int across = Outer / Inner, inside = across * across;  ///< segments in a square
  template <class Grid> static constexpr int squares = Grid::patches / (Outer * Outer);
  template <class Grid>
  static constexpr bool fits = Grid::rows % Outer == 0 && Grid::columns % Outer == 0;

  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    static_assert(fits<Grid>,
                  "Segments<Outer, Inner>: squares are whole; choose an Outer that divides the "
                  "grid's rows and columns of patches.");
    return equal_groups(Grid::patches, Inner * Inner, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    Stream stream(image.with(Purpose::order));
    const auto outer = detail::random_places<squares<Grid>>(stream);
    std::array<std::array<int, inside>, squares<Grid>> inner{};
    for (auto& places : inner) places = detail::random_places<inside>(stream);
    keys_of_places<Grid>(outer, inner, key);
  }
  /// The places of the squares and, for every square, of the segments in it; all from 0.
  template <class Grid>
  static constexpr void keys_of_places(
      const std::array<int, squares<Grid>>& outer,
      const std::array<std::array<int, inside>, squares<Grid>>& inner, std::span<float> key) {
    for (int y = 0; y < Grid::rows; ++y)
      for (int x = 0; x < Grid::columns; ++x) {
        const int square = detail::tile_of(y, x, Outer, Outer, Grid::columns / Outer);
        const int segment = detail::tile_of(y % Outer, x % Outer, Inner, Inner, across);
        key[y * Grid::columns + x] = static_cast<float>(outer[square] * inside +
                                                        inner[square][segment]);
      }
  }
};

}  // namespace arvit
