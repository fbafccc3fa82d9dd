// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/core/rows.hpp"
#include "arvit/device/cpu/context.hpp"
#include "arvit/device/cpu/math.hpp"

/// Maps over rows and over flat buffers, one pass each.
namespace arvit::cpu {

/// Elements of one task: large enough to cost more than handing it out, small enough that every
/// thread finds several.
constexpr std::int64_t flat_block = 1 << 15;
inline std::int64_t rows_per_block(std::int64_t columns) {
  return std::max<std::int64_t>(1, flat_block / std::max<std::int64_t>(1, columns));
}

namespace detail {
struct GeluTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<const T>* x, const Matrix<T>* y, const Matrix<T>* slope,
                               std::int64_t rows, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, x->rows()); ++r)
      each_vector<V>(x->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const auto at = gelu_slope(V::load((*x)[r] + i, count));
        at.value.store((*y)[r] + i, count);
        at.slope.store((*slope)[r] + i, count);
      });
  }
};
struct AddTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<const T>* x, const Matrix<T>* y, std::int64_t rows,
                               std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, x->rows()); ++r)
      each_vector<V>(x->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        (V::load((*y)[r] + i, count) + V::load((*x)[r] + i, count)).store((*y)[r] + i, count);
      });
  }
};
struct ScaleTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<const T>* x, const float* scale, const Matrix<T>* y,
                               std::int64_t rows, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, x->rows()); ++r)
      each_vector<V>(x->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        (V::splat(scale[r]) * V::load((*x)[r] + i, count)).store((*y)[r] + i, count);
      });
  }
};
struct ConvertTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const float* x, T* y, std::int64_t size, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t begin = task * flat_block, count = std::min(flat_block, size - begin);
    each_vector<V>(count, [&](std::int64_t i, std::int64_t part) ARVIT_INLINE_LAMBDA {
      V::load(x + begin + i, part).store(y + begin + i, part);
    });
  }
};
}  // namespace detail

template <class T> void gelu(Context& context, Matrix<const T> x, Matrix<T> y, Matrix<T> slope) {
  const std::int64_t rows = rows_per_block(x.columns());
  context.each<detail::GeluTask>(blocks_of(x.rows(), rows), static_cast<const Matrix<const T>*>(&x),
                                 static_cast<const Matrix<T>*>(&y),
                                 static_cast<const Matrix<T>*>(&slope), rows);
}
template <class T> void add(Context& context, Matrix<const T> x, Matrix<T> y) {
  const std::int64_t rows = rows_per_block(x.columns());
  context.each<detail::AddTask>(blocks_of(x.rows(), rows), static_cast<const Matrix<const T>*>(&x),
                                static_cast<const Matrix<T>*>(&y), rows);
}
template <class T>
void scale_rows(Context& context, Matrix<const T> x, const float* scale, Matrix<T> y) {
  const std::int64_t rows = rows_per_block(x.columns());
  context.each<detail::ScaleTask>(blocks_of(x.rows(), rows),
                                  static_cast<const Matrix<const T>*>(&x), scale,
                                  static_cast<const Matrix<T>*>(&y), rows);
}
template <class T> void fill(Context& context, Matrix<T> y, T value) {
  if (y.stride() == y.columns()) {  // a flat buffer may be one row
    const std::int64_t size = y.rows() * y.columns();
    return context.pool.run(blocks_of(size, flat_block), [&](std::int64_t task, int) {
      std::fill(y.data() + task * flat_block, y.data() + std::min((task + 1) * flat_block, size),
                value);
    });
  }
  const std::int64_t rows = rows_per_block(y.columns());
  context.pool.run(blocks_of(y.rows(), rows), [&](std::int64_t task, int) {
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, y.rows()); ++r)
      std::fill_n(y[r], y.columns(), value);
  });
}
template <class T> void convert(Context& context, Span<const float> x, Span<T> y) {
  context.each<detail::ConvertTask>(blocks_of(x.size(), flat_block), x.data(), y.data(), x.size());
}

}  // namespace arvit::cpu
