// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit {

/// Fixed sin-cos positions of a grid (He et al. 2022, after Vaswani et al. 2017): for the patch at (row y, column x),
/// [sin(x w_k), cos(x w_k), sin(y w_k), cos(y w_k)] with w_k = 10000^(-k / (dim / 4)), k = 0 .. dim / 4 - 1. Computed in double.
/// Shape [rows * columns, dim].
template <class T>
std::vector<T> sincos_positions(int rows, int columns, int dim) {
  if (dim % 4 != 0) fail<ShapeError>("positions: width ", dim, " is not a multiple of 4, which sin-cos positions need.");
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

/// Resizes a table of positions [rows * columns, dim] to another grid: bicubic (a = -0.75), align_corners false, edges clamped;
/// what timm and Hugging Face do for another image size. No antialiasing.
template <class T>
std::vector<T> resized_positions(const std::vector<T>& table, int rows, int columns, int dim, int new_rows, int new_columns) {
  if (table.size() != static_cast<std::size_t>(rows) * columns * dim)
    fail<ShapeError>("positions: the table holds ", table.size(), " numbers, a ", rows, " x ", columns, " grid of width ", dim, " needs another count.");
  if (rows == new_rows && columns == new_columns) return table;
  struct Taps {
    int index[4];
    double weight[4];
  };
  const auto taps_of = [](int from, int to) {
    std::vector<Taps> taps(to);
    const auto cubic = [](double x) {
      constexpr double a = -0.75;
      x = std::abs(x);
      return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
    };
    for (int i = 0; i < to; ++i) {
      const double at = (i + 0.5) * from / to - 0.5, floor = std::floor(at);
      for (int t = 0; t < 4; ++t) {
        const int j = static_cast<int>(floor) - 1 + t;
        taps[i].index[t] = j < 0 ? 0 : j >= from ? from - 1 : j;
        taps[i].weight[t] = cubic(at - (floor - 1 + t));
      }
    }
    return taps;
  };
  const auto vertical = taps_of(rows, new_rows), horizontal = taps_of(columns, new_columns);
  std::vector<T> result(static_cast<std::size_t>(new_rows) * new_columns * dim);
  for (int y = 0; y < new_rows; ++y)
    for (int x = 0; x < new_columns; ++x)
      for (int c = 0; c < dim; ++c) {
        double sum = 0;
        for (int a = 0; a < 4; ++a)
          for (int b = 0; b < 4; ++b)
            sum += vertical[y].weight[a] * horizontal[x].weight[b] * table[(std::size_t(vertical[y].index[a]) * columns + horizontal[x].index[b]) * dim + c];
        result[(std::size_t(y) * new_columns + x) * dim + c] = static_cast<T>(sum);
      }
  return result;
}

}  // namespace arvit
