// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/order/rank.hpp"

namespace arvit {

namespace detail {
/// The tile of `height` x `width` cells that holds the cell (y, x). Tiles are counted in reading
/// order, `across` of them side by side.
constexpr int tile_of(int y, int x, int height, int width, int across) {
  return y / height * across + x / width;
}

/// A place for each of Count tiles; every permutation is equally likely.
template <int Count> constexpr std::array<int, Count> random_places(Stream& stream) {
  std::array<int, Count> places{};
  for (int i = 0; i < Count; ++i) places[i] = i;
  shuffle(std::span<int>(places), stream);
  return places;
}
}  // namespace detail

/// D-iGPT "Order" and Table 7: the grid is cut into Rows x Columns rectangles of patches, which
/// follow each other in an order that is drawn for each image. All patches of the i-th rectangle
/// have rank i = 1 .. Rows * Columns.
template <int Rows, int Columns> struct Cluster {
  static constexpr bool well_formed = Rows > 0 && Columns > 0;
  static_assert(well_formed,
                "Cluster<Rows, Columns>: Rows and Columns count the clusters down and across; both "
                "must be positive.");
  static constexpr bool fixed_profile = true;
  static constexpr int rows_of_clusters = Rows, columns_of_clusters = Columns;
  static constexpr int clusters = Rows * Columns;
  template <class Grid>
  static constexpr bool fits = Grid::rows % Rows == 0 && Grid::columns % Columns == 0;

  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    static_assert(fits<Grid>,
                  "Cluster<Rows, Columns>: clusters are of one size; choose Rows that divide the "
                  "grid's rows of patches and Columns that divide its columns.");
    return equal_groups(Grid::patches, Grid::patches / clusters, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    Stream stream(image.with(Purpose::order));
    keys_of_places<Grid>(detail::random_places<clusters>(stream), key);
  }
  /// `place`: of every cluster, from 0.
  template <class Grid>
  static constexpr void keys_of_places(const std::array<int, clusters>& place,
                                       std::span<float> key) {
    for (int y = 0; y < Grid::rows; ++y)
      for (int x = 0; x < Grid::columns; ++x)
        key[y * Grid::columns + x] = static_cast<float>(
            place[detail::tile_of(y, x, Grid::rows / Rows, Grid::columns / Columns, Columns)]);
  }
};

}  // namespace arvit
