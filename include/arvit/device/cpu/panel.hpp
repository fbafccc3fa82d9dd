// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/device/cpu/context.hpp"
#include "arvit/device/cpu/words.hpp"

/// The inner product kernel and the packing of its operands; matrix products and attention are
/// built from these.
#if defined(__CUDACC__)  // it hands the host compiler's pragmas on, with a warning at each
#pragma nv_diagnostic push
#pragma nv_diag_suppress 1675
#endif
namespace arvit::cpu {

/// Where the next words of b will be read, so that they are on their way to the second cache:
/// `step` of them for every k.
struct Ahead {
  const float* next;
  std::int64_t step;
};

/// c (=, +=) a b for Isa::rows x (Vectors * width) elements over `words` words, all sums in
/// registers. a[row * RowStep + k * a_step], b[k * b_step + column], c[row * c_step + column].
template <int Vectors, int RowStep, bool Fetch, class Words> struct BlockProduct {
  template <class Isa>
  static ARVIT_INLINE void run(std::int64_t words, const float* a, std::int64_t a_step,
                               const float* b, std::int64_t b_step, float* c, std::int64_t c_step,
                               bool add, Ahead ahead) {
    using V = Floats<Isa::width>;
    constexpr int rows = Isa::rows;
    V sum[rows][Vectors];
    ARVIT_UNROLL
    for (int i = 0; i < rows; ++i) {
      ARVIT_UNROLL
      for (int j = 0; j < Vectors; ++j) {
        sum[i][j] = V{};
        if (add) __builtin_prefetch(c + i * c_step + j * V::width, 1);
      }
    }
    const auto step = [&]() ARVIT_INLINE_LAMBDA {
      V row[Vectors];
      ARVIT_UNROLL
      for (int j = 0; j < Vectors; ++j) row[j] = V::load(b + j * V::width);
      ARVIT_UNROLL
      for (int i = 0; i < rows; ++i) {  // one way alone is limited by the loads (two a cycle), the
                                        // other by the instructions
        if (V::width == 16 && i % 2 == 0) {
          ARVIT_UNROLL
          for (int j = 0; j < Vectors; ++j)
            sum[i][j] = Words::multiply_add(a + i * RowStep, row[j], sum[i][j]);
        } else {
          const V value = broadcast<V::width>(a + i * RowStep);
          ARVIT_UNROLL
          for (int j = 0; j < Vectors; ++j)
            sum[i][j] = Words::multiply_add(value, row[j], sum[i][j]);
        }
      }
      a += a_step;
      b += b_step;
    };
    std::int64_t k = 0;
    for (; k + 2 <= words;
         k +=
         2) {  // twice: a neighbour on the same core leaves few instructions for the loop itself
      if constexpr (Fetch) {
        __builtin_prefetch(ahead.next, 0, 2);
        ahead.next += 2 * ahead.step;
      }
      step();
      step();
    }
    if (k < words) step();
    if (add) {
      ARVIT_UNROLL
      for (int i = 0; i < rows; ++i) {
        ARVIT_UNROLL
        for (int j = 0; j < Vectors; ++j)
          (sum[i][j] + V::load(c + i * c_step + j * V::width)).store(c + i * c_step + j * V::width);
      }
    } else {
      ARVIT_UNROLL
      for (int i = 0; i < rows; ++i) {
        ARVIT_UNROLL
        for (int j = 0; j < Vectors; ++j) sum[i][j].store(c + i * c_step + j * V::width);
      }
    }
  }
};

template <class Isa, int Vectors, int RowStep, bool Fetch = false, class Words = Singles>
ARVIT_INLINE void block_product(std::int64_t words, const float* a, std::int64_t a_step,
                                const float* b, std::int64_t b_step, float* c, std::int64_t c_step,
                                bool add, Ahead ahead = {}) {
  call<Isa, BlockProduct<Vectors, RowStep, Fetch, Words>>(words, a, a_step, b, b_step, c, c_step,
                                                          add, ahead);
}

/// The same for `columns` columns, a multiple of the vector's width.
template <class Isa, int RowStep>
ARVIT_INLINE void row_product(std::int64_t depth, const float* a, std::int64_t a_step,
                              const float* b, std::int64_t b_step, float* c, std::int64_t c_step,
                              std::int64_t columns, bool add) {
  constexpr std::int64_t wide = Isa::width * Isa::vectors;
  std::int64_t j = 0;
  for (; j + wide <= columns; j += wide)
    block_product<Isa, Isa::vectors, RowStep>(depth, a, a_step, b + j, b_step, c + j, c_step, add);
  for (; j < columns; j += Isa::width)
    block_product<Isa, 1, RowStep>(depth, a, a_step, b + j, b_step, c + j, c_step, add);
}

/// to[c * step + i] = word c of the row from[i * stride], for `rows` rows, 1 to a vector's width,
/// of `depth` numbers. Whole vectors are written, with the last row beyond `rows`: in the order of
/// c, so the next column mends what it overlaps.
template <class Words = Singles> struct Cross {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const T* from, std::int64_t stride, std::int64_t rows,
                               std::int64_t depth, float* to, std::int64_t step) {
    using V = Floats<Isa::width>;
    constexpr int N = V::width;
    const std::int64_t columns = blocks_of(depth, Words::numbers);
    const T* row[N];
    for (int i = 0; i < N; ++i) row[i] = from + std::min<std::int64_t>(i, rows - 1) * stride;
    std::int64_t c = 0;
    for (; (c + N) * Words::numbers <= depth; c += N) {  // in registers from load to store
      V block[N];
      ARVIT_UNROLL
      for (int i = 0; i < N; ++i)
        block[i] = Words::template along<V>(row[i] + c * Words::numbers, N * Words::numbers);
      transpose(block);
      ARVIT_UNROLL
      for (int i = 0; i < N; ++i) block[i].store(to + (c + i) * step);
    }
    if (c == columns) return;
    V block[N];
    for (int i = 0; i < N; ++i)
      block[i] = Words::template along<V>(row[i] + c * Words::numbers, depth - c * Words::numbers);
    transpose(block);
    for (int i = 0; i < columns - c; ++i) block[i].store(to + (c + i) * step);
  }
};

/// One operand of a product: element (i, k) lies at data[i * stride + k], or, if `crossed`, at
/// data[k * stride + i].
template <class T> struct Operand {
  const T* data;
  std::int64_t stride;
  bool crossed;
};

/// panel[k * Width + i] = word k of the row source[i * stride], which has `depth` numbers; for i
/// from `valid` to Width some other row's number or what was there. A Width below the vector's
/// width writes up to one vector beyond the panel's end.
template <class Isa, int Width, class Words, class T>
ARVIT_INLINE void pack_rows(const T* source, std::int64_t stride, std::int64_t valid,
                            std::int64_t depth, float* panel) {
  constexpr int lanes = Width < Isa::width ? Width : Isa::width;
  static_assert(Width % lanes == 0,
                "pack_rows: Width is below the vector's width or a multiple of it.");
  for (std::int64_t group = 0; group < Width; group += lanes)
    if (valid > group)
      call<Isa, Cross<Words>>(source + group * stride, stride,
                              std::min<std::int64_t>(valid - group, lanes), depth, panel + group,
                              std::int64_t{Width});
}

/// The same for the panels that hold 0 <= i < count of an operand whose i is contiguous, number k
/// at source[k * stride + i], of which `valid` >= count exist: k outermost, since every k is
/// another page. Whole vectors are read and written: what they overlap is mended by the next k, and
/// written exactly in the last one.
template <class Isa, int Width, class Words, class T>
ARVIT_INLINE void pack_columns(const T* source, std::int64_t stride, std::int64_t count,
                               std::int64_t valid, std::int64_t depth, float* panels) {
  using V = Floats<Isa::width>;
  const std::int64_t words = blocks_of(depth, Words::numbers);
  for (std::int64_t k = 0; k < words; ++k)
    for (std::int64_t begin = 0; begin < count; begin += Width) {
      const T* const from = source + k * Words::numbers * stride + begin;
      __builtin_prefetch(from +
                         16 * stride);  // a line is too short for the processor to see it coming
      if constexpr (Words::numbers > 1) __builtin_prefetch(from + 17 * stride);
      float* const to = panels + begin * words + k * Width;
      ARVIT_UNROLL
      for (int i = 0; i < Width; i += V::width) {
        const V part = Words::template across<V>(from + i, stride, valid - begin - i,
                                                 depth - k * Words::numbers);
        if (i + V::width <= Width || k + 1 < words)
          part.store(to + i);
        else
          part.store(to + i, Width - i);
      }
    }
}

/// panel[i * Pitch + k] = word k of the row source[i * stride], which has `depth` numbers, for 0 <=
/// i < valid: rows stay rows, side by side.
template <class Isa, int Pitch, class Words, class T>
ARVIT_INLINE void copy_rows(const T* source, std::int64_t stride, std::int64_t valid,
                            std::int64_t depth, float* panel) {
  using V = Floats<Isa::width>;
  constexpr std::int64_t whole = V::width * Words::numbers;
  for (std::int64_t i = 0; i < valid; ++i) {
    const T* row = source + i * stride;
    float* to = panel + i * Pitch;
    std::int64_t left = depth;
    for (; left >= whole; left -= whole, row += whole, to += V::width)
      Words::template along<V>(row, whole).store(to);
    if (left > 0) Words::template along<V>(row, left).store(to, blocks_of(left, Words::numbers));
  }
}

/// Packs rows begin..end of an operand of `rows` rows over its whole depth, in panels of Width
/// rows.
template <class Isa, int Width, class Words, class T>
ARVIT_INLINE void pack(const Operand<T>& from, std::int64_t begin, std::int64_t end,
                       std::int64_t rows, std::int64_t depth, float* panels) {
  if (from.crossed)
    return pack_columns<Isa, Width, Words>(from.data + begin, from.stride, end - begin,
                                           rows - begin, depth, panels);
  for (std::int64_t i = begin; i < end; i += Width)
    pack_rows<Isa, Width, Words>(from.data + i * from.stride, from.stride,
                                 std::min<std::int64_t>(Width, end - i), depth,
                                 panels + (i - begin) * blocks_of(depth, Words::numbers));
}

}  // namespace arvit::cpu

#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif
