// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/ops/patches.hpp"
#include "arvit/device/ops/positions.hpp"

/// Moving rows by index: packing, tokens, patches, positions, sorting.
namespace arvit::cpu {

namespace detail {
using Index = Span<const std::int32_t>;

/// task(begin, end) over 0..rows in blocks of about flat_block elements.
template <class Task>
void each_rows(Context& context, std::int64_t rows, std::int64_t columns, const Task& task) {
  const std::int64_t block = rows_per_block(columns);
  context.pool.run(blocks_of(rows, block), [&](std::int64_t index, int) {
    task(index * block, std::min((index + 1) * block, rows));
  });
}

struct ScatterTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<const T>* x, const Index* index, const Matrix<T>* y,
                               std::int64_t rows, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, x->rows()); ++r) {
      const T* const from = (*x)[r];
      T* const to = (*y)[(*index)[r]];
      each_vector<V>(x->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        (V::load(to + i, count) + V::load(from + i, count)).store(to + i, count);
      });
    }
  }
};
struct TokenTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<T>* y, const ops::RowSet<HostSpace>* set,
                               const float* token, Write write, std::int64_t rows,
                               std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t end = std::min((task + 1) * rows, set->count(y->rows()));
    for (std::int64_t r = task * rows; r < end; ++r) {
      T* const to = (*y)[(*set)[r]];
      each_vector<V>(y->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const V value = V::load(token + i, count);
        (write == Write::add ? V::load(to + i, count) + value : value).store(to + i, count);
      });
    }
  }
};
struct PositionTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const Matrix<T>* x, const Matrix<const float>* table,
                               const PatchRows<HostSpace>* from, std::int64_t rows,
                               std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = task * rows; r < std::min((task + 1) * rows, x->rows()); ++r) {
      const std::int32_t source = from->source[r];
      if (source < 0) continue;
      T* const to = (*x)[r];
      const float* const position = (*table)[from->permutation[source]];
      each_vector<V>(x->columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        (V::load(to + i, count) + V::load(position + i, count)).store(to + i, count);
      });
    }
  }
};

/// First pixel of the patch that row r shows, or null for a class token.
inline const float* patch_corner(const float* images, const ImageShape& shape,
                                 const PatchRows<HostSpace>& from, std::int64_t r) {
  const std::int32_t source = from.source[r];
  if (source < 0) return nullptr;
  const int patch = from.permutation[source];
  return images + source / shape.patches() * shape.size() +
         (std::int64_t{patch / shape.columns()} * shape.width + patch % shape.columns()) *
             shape.patch;
}
}  // namespace detail

template <class T>
void gather_rows(Context& context, Matrix<const T> x, Span<const std::int32_t> index, Matrix<T> y) {
  detail::each_rows(context, index.size(), x.columns(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) std::copy_n(x[index[r]], x.columns(), y[r]);
  });
}
template <class T>
void scatter_add_rows(Context& context, Matrix<const T> x, Span<const std::int32_t> index,
                      Matrix<T> y) {
  const std::int64_t rows = rows_per_block(x.columns());
  context.each<detail::ScatterTask>(
      blocks_of(x.rows(), rows), static_cast<const Matrix<const T>*>(&x),
      static_cast<const detail::Index*>(&index), static_cast<const Matrix<T>*>(&y), rows);
}
template <class T>
void put_token(Context& context, Matrix<T> y, const ops::RowSet<HostSpace>& set, const float* token,
               Write write) {
  const std::int64_t rows = rows_per_block(y.columns());
  context.each<detail::TokenTask>(blocks_of(set.count(y.rows()), rows),
                                  static_cast<const Matrix<T>*>(&y), &set, token, write, rows);
}
template <class T> void clear_rows(Matrix<T> y, Span<const std::int32_t> index) {
  for (const std::int32_t r : index) std::fill_n(y[r], y.columns(), T{});
}
template <class T>
void add_positions(Context& context, Matrix<T> x, Matrix<const float> table,
                   PatchRows<HostSpace> from) {
  const std::int64_t rows = rows_per_block(x.columns());
  context.each<detail::PositionTask>(blocks_of(x.rows(), rows), static_cast<const Matrix<T>*>(&x),
                                     static_cast<const Matrix<const float>*>(&table),
                                     static_cast<const PatchRows<HostSpace>*>(&from), rows);
}

/// Rows of patches, numbers in the order of a convolution's weight: channel, line, pixel. A class
/// token's row is zero.
template <class P>
void embed_patches(Context& context, const ops::EmbedPatchesOn<P, HostSpace>& op) {
  using T = typename P::Activation;
  const float* const images = op.images.data();
  const ImageShape shape = op.shape;
  const PatchRows<HostSpace> from = op.from;
  const Matrix<T> y = op.y;
  detail::each_rows(context, y.rows(), y.columns(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const float* const corner = detail::patch_corner(images, shape, from, r);
      T* to = y[r];
      if (corner == nullptr) {
        std::fill_n(to, y.columns(), T{});
        continue;
      }
      for (std::int64_t channel = 0; channel < shape.channels; ++channel)
        for (std::int64_t line = 0; line < shape.patch; ++line, to += shape.patch) {
          const float* const pixels = corner + (channel * shape.height + line) * shape.width;
          for (int i = 0; i < shape.patch; ++i) to[i] = static_cast<T>(pixels[i]);
        }
    }
  });
}

/// Rows of patches, numbers in MAE's order: line, pixel, channel. Standardised: minus the mean,
/// over sqrt(unbiased variance + 1e-6).
template <class P>
void target_patches(Context& context, const ops::TargetPatchesOn<P, HostSpace>& op) {
  const float* const images = op.images.data();
  const ImageShape shape = op.shape;
  const PatchRows<HostSpace> from = op.from;
  const bool standardise = op.standardise;
  const Matrix<float> y = op.y;
  detail::each_rows(context, y.rows(), y.columns(), [&](std::int64_t begin, std::int64_t end) {
    const int width = shape.patch_width(), channels = shape.channels;
    for (std::int64_t r = begin; r < end; ++r) {
      const float* const corner = detail::patch_corner(images, shape, from, r);
      float* const to = y[r];
      if (corner == nullptr) {
        std::fill_n(to, width, 0.f);
        continue;
      }
      for (std::int64_t channel = 0; channel < channels; ++channel)
        for (std::int64_t line = 0; line < shape.patch; ++line) {
          const float* const pixels = corner + (channel * shape.height + line) * shape.width;
          for (int i = 0; i < shape.patch; ++i)
            to[(line * shape.patch + i) * channels + channel] = pixels[i];
        }
      if (!standardise) continue;
      double mean = 0, variance = 0;
      for (int i = 0; i < width; ++i) mean += to[i];
      mean /= width;
      for (int i = 0; i < width; ++i) variance += (to[i] - mean) * (to[i] - mean);
      const double scale = 1 / std::sqrt(variance / (width - 1) + 1e-6);
      for (int i = 0; i < width; ++i) to[i] = static_cast<float>((to[i] - mean) * scale);
    }
  });
}

/// Per row, the stable ascending order of the keys: merges from the bottom up, with the second row
/// in scratch, because std::stable_sort allocates.
inline void argsort(Context& context, Matrix<const float> keys, Matrix<std::int32_t> order) {
  const std::int64_t columns = keys.columns();
  context.reserve_own(columns);
  context.pool.run(keys.rows(), [&](std::int64_t r, int worker) {
    const float* const key = keys[r];
    std::int32_t *from = order[r], *to = reinterpret_cast<std::int32_t*>(context.scratch(worker));
    std::iota(from, from + columns, 0);
    const auto before = [key](std::int32_t a, std::int32_t b) { return key[a] < key[b]; };
    for (std::int64_t run = 1; run < columns; run *= 2, std::swap(from, to))
      for (std::int64_t begin = 0; begin < columns; begin += 2 * run) {
        const std::int64_t middle = std::min(begin + run, columns),
                           end = std::min(begin + 2 * run, columns);
        std::merge(from + begin, from + middle, from + middle, from + end, to + begin, before);
      }
    if (from != order[r]) std::copy_n(from, columns, order[r]);
  });
}

}  // namespace arvit::cpu
