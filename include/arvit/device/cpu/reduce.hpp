// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/core/rows.hpp"
#include "arvit/device/cpu/context.hpp"
#include "arvit/device/ops/operation.hpp"

/// Sums whose order depends on shapes only: partial sums over fixed blocks of rows, then the
/// partial sums in order.
namespace arvit::cpu {

/// Rows of one partial sum.
constexpr std::int64_t reduction_rows = 64;

namespace detail {
struct PartialColumnSums {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<const T>* x, const ops::RowSet<HostSpace>* set,
                               float* partial, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t rows = set->count(x->rows()), columns = x->columns();
    const std::int64_t begin = task * reduction_rows, end = std::min(begin + reduction_rows, rows);
    float* const sums = partial + task * columns;
    for (std::int64_t i = 0; i < columns; ++i) sums[i] = 0;
    for (std::int64_t r = begin; r < end; ++r) {
      const T* const row = (*x)[(*set)[r]];
      each_vector<V>(columns, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        (V::load(sums + i, count) + V::load(row + i, count)).store(sums + i, count);
      });
    }
  }
};

struct AddPartials {
  template <class Isa>
  static ARVIT_INLINE void run(const float* partial, std::int64_t blocks, std::int64_t stride,
                               std::int64_t columns, float* result, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t begin = task * 256, count = std::min<std::int64_t>(256, columns - begin);
    each_vector<V>(count, [&](std::int64_t i, std::int64_t part) ARVIT_INLINE_LAMBDA {
      V sum = {};
      for (std::int64_t block = 0; block < blocks; ++block)
        sum = sum + V::load(partial + block * stride + begin + i, part);
      (V::load(result + begin + i, part) + sum).store(result + begin + i, part);
    });
  }
};
}  // namespace detail

/// result[c] += the sum over blocks of partial[block * stride + c], in the order of blocks.
inline void add_partials(Context& context, const float* partial, std::int64_t blocks,
                         std::int64_t stride, std::int64_t columns, float* result) {
  context.each<detail::AddPartials>(blocks_of(columns, 256), partial, blocks, stride, columns,
                                    result);
}

/// result[c] += the sum of x[r][c] over a set of rows.
template <class T>
void add_column_sums(Context& context, Matrix<const T> x, const ops::RowSet<HostSpace>& set,
                     float* result) {
  const std::int64_t blocks = blocks_of(set.count(x.rows()), reduction_rows);
  if (blocks == 0) return;
  float* const partial = context.reserve_shared(blocks * x.columns());
  context.each<detail::PartialColumnSums>(blocks, static_cast<const Matrix<const T>*>(&x), &set,
                                          partial);
  add_partials(context, partial, blocks, x.columns(), x.columns(), result);
}

}  // namespace arvit::cpu
