// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// Fixed sin-cos positions of a grid (He et al. 2022, after Vaswani et al. 2017): for the patch at
/// (row y, column x), [sin(x w_k), cos(x w_k), sin(y w_k), cos(y w_k)] with w_k = 10000^(-k / (dim
/// / 4)), k = 0 .. dim / 4 - 1. Computed in double. Shape [rows * columns, dim].
template <class T> std::vector<T> sincos_positions(int rows, int columns, int dim) {
  if (dim % 4 != 0)
    fail<ShapeError>("positions: width ", dim,
                     " is not a multiple of 4, which sin-cos positions need.");
  const int quarter = dim / 4;
  std::vector<T> table(static_cast<std::size_t>(rows) * columns * dim);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      for (int k = 0; k < quarter; ++k) {
        const double w = std::pow(10000.0, -static_cast<double>(k) / quarter);
        T* position = table.data() + (std::size_t(y) * columns + x) * dim;
        position[k] = static_cast<T>(std::sin(x * w));
        position[quarter + k] = static_cast<T>(std::cos(x * w));
        position[2 * quarter + k] = static_cast<T>(std::sin(y * w));
        position[3 * quarter + k] = static_cast<T>(std::cos(y * w));
      }
  return table;
}

/// Fixed sin-cos positions, added to the tokens: what an encoder has unless it says otherwise.
struct SinCosPositions {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim > 0 && Dim % 4 == 0, adds = true, turns = false;
    template <class T> static std::vector<T> added(const T*) {
      return sincos_positions<T>(Grid::rows, Grid::columns, Dim);
    }
  };
};

}  // namespace arvit
