// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/cpu/context.hpp"

/// The inner product kernel and the packing of its operands; matrix products and attention are built from these.
namespace arvit::cpu {

/// c (=, +=) a b for Rows x (Vectors * width) elements, all sums in registers.
/// a[row * RowStep + k * a_step], b[k * b_step + column], c[row * c_step + column].
template <class Isa, int Rows, int Vectors, int RowStep>
ARVIT_INLINE void block_product(std::int64_t depth, const float* a, std::int64_t a_step, const float* b, std::int64_t b_step, float* c,
                                std::int64_t c_step, bool add) {
  using V = Floats<Isa::width>;
  V sum[Rows][Vectors];
  ARVIT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    ARVIT_UNROLL
    for (int j = 0; j < Vectors; ++j) sum[i][j] = V{};
  }
  for (std::int64_t k = 0; k < depth; ++k, a += a_step, b += b_step) {
    V row[Vectors];
    ARVIT_UNROLL
    for (int j = 0; j < Vectors; ++j) {
      row[j] = V::load(b + j * V::width);
      __builtin_prefetch(b + 8 * b_step + j * V::width);
    }
    ARVIT_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const V value = V::splat(a[i * RowStep]);
      ARVIT_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j] = fma(value, row[j], sum[i][j]);
    }
  }
  if (add) {
    ARVIT_UNROLL
    for (int i = 0; i < Rows; ++i) {
      ARVIT_UNROLL
      for (int j = 0; j < Vectors; ++j) (sum[i][j] + V::load(c + i * c_step + j * V::width)).store(c + i * c_step + j * V::width);
    }
  } else {
    ARVIT_UNROLL
    for (int i = 0; i < Rows; ++i) {
      ARVIT_UNROLL
      for (int j = 0; j < Vectors; ++j) sum[i][j].store(c + i * c_step + j * V::width);
    }
  }
}

/// The same for `columns` columns, a multiple of the vector's width.
template <class Isa, int RowStep>
ARVIT_INLINE void row_product(std::int64_t depth, const float* a, std::int64_t a_step, const float* b, std::int64_t b_step, float* c,
                              std::int64_t c_step, std::int64_t columns, bool add) {
  constexpr std::int64_t wide = Isa::width * Isa::vectors;
  std::int64_t j = 0;
  for (; j + wide <= columns; j += wide)
    block_product<Isa, Isa::rows, Isa::vectors, RowStep>(depth, a, a_step, b + j, b_step, c + j, c_step, add);
  for (; j < columns; j += Isa::width) block_product<Isa, Isa::rows, 1, RowStep>(depth, a, a_step, b + j, b_step, c + j, c_step, add);
}

/// One operand of a product: element (i, k) lies at data[i * stride + k], or, if `crossed`, at data[k * stride + i].
template <class T>
struct Operand {
  const T* data;
  std::int64_t stride;
  bool crossed;
};

/// panel[k * Width + i] = source(i, k) for 0 <= k < depth; i from `valid` to Width gives zero.
/// A Width below the vector's width writes up to one vector beyond the panel's end.
template <class Isa, int Width, class T>
ARVIT_INLINE void pack_rows(const T* source, std::int64_t stride, std::int64_t valid, std::int64_t depth, float* panel) {
  using V = Floats<Isa::width>;
  constexpr int N = V::width, lanes = Width < N ? Width : N;
  static_assert(Width < N || Width % N == 0, "pack_rows: Width is below the vector's width or a multiple of it.");
  for (std::int64_t k = 0; k < depth; k += N) {
    const std::int64_t columns = depth - k < N ? depth - k : N;
    for (int group = 0; group < Width; group += lanes) {
      V rows[N];
      if (columns == N && valid >= group + lanes) {
        ARVIT_UNROLL
        for (int i = 0; i < N; ++i) rows[i] = i < lanes ? V::load(source + (group + i) * stride + k) : V{};
      } else {
        for (int i = 0; i < N; ++i) rows[i] = i < lanes && group + i < valid ? V::load(source + (group + i) * stride + k, columns) : V{};
      }
      transpose(rows);
      float* const to = panel + k * Width + group;
      if (columns == N) {
        ARVIT_UNROLL
        for (int i = 0; i < N; ++i) rows[i].store(to + i * Width);
      } else {
        for (std::int64_t i = 0; i < columns; ++i) rows[i].store(to + i * Width);
      }
    }
  }
}

/// The same from an operand whose i is contiguous: panel[k * Width + i] = source[k * stride + i].
template <int Width, class T>
ARVIT_INLINE void pack_columns(const T* source, std::int64_t stride, std::int64_t valid, std::int64_t depth, float* panel) {
  for (std::int64_t k = 0; k < depth; ++k, source += stride, panel += Width) {
    if (valid >= Width)
      for (int i = 0; i < Width; ++i) panel[i] = static_cast<float>(source[i]);
    else
      for (int i = 0; i < Width; ++i) panel[i] = i < valid ? static_cast<float>(source[i]) : 0.f;
  }
}

/// Packs rows `begin`.. of an operand, at most Width of them, over its whole depth.
template <class Isa, int Width, class T>
ARVIT_INLINE void pack(const Operand<T>& from, std::int64_t begin, std::int64_t end, std::int64_t depth, float* panel) {
  if (from.crossed) pack_columns<Width>(from.data + begin, from.stride, end - begin, depth, panel);
  else pack_rows<Isa, Width>(from.data + begin * from.stride, from.stride, end - begin, depth, panel);
}

}  // namespace arvit::cpu
