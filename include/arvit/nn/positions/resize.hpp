// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit {

/// How positions follow a grid of another size. Both are bicubic, with align_corners false.
enum class PositionResize : char {
  bicubic,      ///< a = -0.75, borders repeated: Hugging Face, the published MAE code
  antialiased,  ///< a = -0.5, the kernel is widened when shrinking and cut at borders: timm
};

namespace detail {
/// The numbers of one axis that a new one is a weighted sum of.
struct PositionTaps {
  std::vector<int> index;
  std::vector<double> weight;
};
inline std::vector<PositionTaps> position_taps(int from, int to, PositionResize resize) {
  const double a = resize == PositionResize::bicubic ? -0.75 : -0.5,
               scale = static_cast<double>(from) / to;
  const auto cubic = [a](double x) {
    x = std::abs(x);
    return x <= 1  ? ((a + 2) * x - (a + 3)) * x * x + 1
           : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
                   : 0.0;
  };
  std::vector<PositionTaps> taps(to);
  for (int i = 0; i < to; ++i) {
    PositionTaps& tap = taps[i];
    const double centre = (i + 0.5) * scale;
    if (resize == PositionResize::bicubic) {
      const double floor = std::floor(centre - 0.5);
      for (int t = -1; t <= 2; ++t) {
        tap.index.push_back(std::clamp(static_cast<int>(floor) + t, 0, from - 1));
        tap.weight.push_back(cubic(centre - 0.5 - (floor + t)));
      }
    } else {
      const double widen = std::max(scale, 1.0);
      const int begin = std::max(static_cast<int>(centre - 2 * widen + 0.5), 0),
                end = std::min(static_cast<int>(centre + 2 * widen + 0.5), from);
      double sum = 0;
      for (int j = begin; j < end; ++j) {
        tap.index.push_back(j);
        tap.weight.push_back(cubic((j + 0.5 - centre) / widen));
        sum += tap.weight.back();
      }
      for (double& weight : tap.weight) weight /= sum;
    }
  }
  return taps;
}
}  // namespace detail

/// Resizes a table of positions [rows * columns, dim] to another grid, as other programs do for
/// another image size.
template <class T>
std::vector<T> resized_positions(const std::vector<T>& table, int rows, int columns, int dim,
                                 int new_rows, int new_columns,
                                 PositionResize resize = PositionResize::bicubic) {
  if (table.size() != static_cast<std::size_t>(rows) * columns * dim)
    fail<ShapeError>("positions: the table holds ", table.size(), " numbers, a ", rows, " x ",
                     columns, " grid of width ", dim, " needs another count.");
  if (rows == new_rows && columns == new_columns) return table;
  const auto vertical = detail::position_taps(rows, new_rows, resize),
             horizontal = detail::position_taps(columns, new_columns, resize);
  std::vector<T> result;
  result.reserve(static_cast<std::size_t>(new_rows) * new_columns * dim);
  for (const auto& y : vertical)
    for (const auto& x : horizontal)
      for (int c = 0; c < dim; ++c) {
        double sum = 0;
        for (std::size_t a = 0; a < y.index.size(); ++a)
          for (std::size_t b = 0; b < x.index.size(); ++b)
            sum += y.weight[a] * x.weight[b] *
                   static_cast<double>(
                       table[(std::size_t(y.index[a]) * columns + x.index[b]) * dim + c]);
        result.push_back(static_cast<T>(sum));
      }
  return result;
}

}  // namespace arvit
