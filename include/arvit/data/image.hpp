// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/data/picture.hpp"

/// Resizing as the Python Imaging Library computes it, bit for bit: antialiased, separable, first
/// rows, then columns, weights rounded to 22 fractional bits, each pass rounded and clamped to 8
/// bits. (Pillow 13 is the first version that takes the columns first for some sizes; the papers'
/// pipelines, and this, take the rows first always.)
namespace arvit {

enum class Interpolation : char { bilinear, bicubic };

namespace detail {

/// The weights of one axis: output i = sum over t < count[i] of weight[i * width + t] *
/// input[first[i] + t].
struct ResizeTaps {
  static constexpr int fraction_bits = 22;
  int input = 0, output = 0, width = 0;
  Interpolation interpolation{};
  std::vector<int> first, count;
  std::vector<std::int32_t> weight;
  std::vector<double> exact;

  /// Triangle, or the cubic convolution of Keys (1981) with a = -1/2.
  static double kernel(Interpolation interpolation, double x) {
    x = std::abs(x);
    if (interpolation == Interpolation::bilinear) return x < 1 ? 1 - x : 0;
    constexpr double a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }

  /// Output i lies at centre = (i + 0.5) * scale of the input, pixel j at j + 0.5. Its weights are
  ///   w(j) = kernel((j + 0.5 - centre) / stretch) / their sum, |j + 0.5 - centre| <= reach,
  /// rounded half away from zero to fixed point.
  void prepare(int from, int to, Interpolation chosen) {
    if (from == input && to == output && chosen == interpolation) return;
    input = from;
    output = to;
    interpolation = chosen;
    const double scale = static_cast<double>(from) / to;
    const double stretch = std::max(scale, 1.0);  // shrinking widens the kernel: no aliasing
    const double reach = (interpolation == Interpolation::bilinear ? 1.0 : 2.0) * stretch;
    width = static_cast<int>(std::ceil(reach)) * 2 + 1;
    first.resize(to);
    count.resize(to);
    exact.resize(width);
    weight.resize(std::int64_t{to} * width);
    for (int i = 0; i < to; ++i) {
      const double center = (i + 0.5) * scale;
      const int begin = std::max(static_cast<int>(center - reach + 0.5), 0);
      const int end = std::min(static_cast<int>(center + reach + 0.5), from);
      double sum = 0;
      for (int t = 0; t < end - begin; ++t)
        sum += exact[t] = kernel(interpolation, (t + begin - center + 0.5) * (1 / stretch));
      std::int32_t* row = weight.data() + std::int64_t{i} * width;
      for (int t = 0; t < end - begin; ++t) {
        const double fixed = exact[t] / (sum == 0 ? 1 : sum) * (1 << fraction_bits);
        row[t] = static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
      }
      first[i] = begin;
      count[i] = end - begin;
    }
  }
};

/// 4 N bytes, seen as N words of four: byte k of every word is taken out by shift and mask, summed
/// in a vector of its own, and put back in its place. So no bytes are widened or moved, whatever
/// the instruction set, and the order of bytes in a word is no matter.
template <int N> struct Words {
  typedef std::uint32_t Unsigned __attribute__((vector_size(4 * N)));
  typedef std::int32_t Signed __attribute__((vector_size(4 * N)));
  Unsigned sum[4];

  [[gnu::always_inline]] void start() {
    sum[0] = sum[1] = sum[2] = sum[3] = Unsigned{} + (1u << (ResizeTaps::fraction_bits - 1));
  }
  [[gnu::always_inline]] void add(const std::uint8_t* from, std::uint32_t weight) {
    Unsigned word;
    std::memcpy(&word, from, sizeof word);
    sum[0] += (word & 255u) * weight;
    sum[1] += (word >> 8 & 255u) * weight;
    sum[2] += (word >> 16 & 255u) * weight;
    sum[3] += (word >> 24) * weight;
  }
  /// Clamps to 0 .. 255 what is left of the sums without their fraction (start() added a half), and
  /// puts it at bit `place` of every word.
  [[gnu::always_inline]] static void put(const Unsigned& total, int place, Unsigned& word) {
    Signed value = reinterpret_cast<Signed>(total) >> ResizeTaps::fraction_bits;
    value &= ~(value >> 31);
    const Signed over = value > 255;
    value = ((value & ~over) | (over & 255)) << place;
    word |= reinterpret_cast<Unsigned>(value);
  }
  [[gnu::always_inline]] void store(std::uint8_t* to) const {
    Unsigned word{};
    put(sum[0], 0, word);
    put(sum[1], 8, word);
    put(sum[2], 16, word);
    put(sum[3], 24, word);
    std::memcpy(to, &word, sizeof word);
  }
};

/// to[b] = the weighted sum of `count` rows of bytes, `stride` apart, for b < 4 N sizeof...(P). The
/// sums must stay in registers, hence the pack in place of a loop.
template <int N, int... P>
[[gnu::always_inline]] inline void weighted_bytes(const std::uint8_t* from, std::int64_t stride,
                                                  const std::int32_t* weight, int count,
                                                  std::uint8_t* to,
                                                  std::integer_sequence<int, P...>) {
  Words<N> words[sizeof...(P)];
  (words[P].start(), ...);
  for (int t = 0; t < count; ++t, from += stride)
    (words[P].add(from + P * 4 * N, static_cast<std::uint32_t>(weight[t])), ...);
  (words[P].store(to + P * 4 * N), ...);
}

/// Sixteen bytes of a row.
typedef std::uint8_t ByteRow __attribute__((vector_size(16)));

/// to = from[0][0], from[8][0], from[0][1], from[8][1], .. as one sequence of 256 bytes: four times
/// over, it transposes 16 x 16 bytes.
template <int... I>
[[gnu::always_inline]] inline void interleave_halves(const ByteRow* from, ByteRow* to,
                                                     std::integer_sequence<int, I...>) {
  ((to[2 * I] = __builtin_shufflevector(from[I], from[I + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                        21, 6, 22, 7, 23),
    to[2 * I + 1] = __builtin_shufflevector(from[I], from[I + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                            28, 13, 29, 14, 30, 15, 31)),
   ...);
}

/// Exchanges rows and columns of 16 x 16 bytes, in four rounds of interleaving.
[[gnu::always_inline]] inline void transpose_16x16(const std::uint8_t* const* from,
                                                   std::int64_t offset, std::uint8_t* to,
                                                   std::int64_t stride) {
  constexpr auto half = std::make_integer_sequence<int, 8>();
  ByteRow a[16], b[16];
  for (int i = 0; i < 16; ++i) std::memcpy(&a[i], from[i] + offset, 16);
  interleave_halves(a, b, half);
  interleave_halves(b, a, half);
  interleave_halves(a, b, half);
  interleave_halves(b, a, half);
  for (int i = 0; i < 16; ++i) std::memcpy(to + i * stride, &a[i], 16);
}

constexpr std::int64_t round_up(std::int64_t value, std::int64_t quantum) {
  return (value + quantum - 1) / quantum * quantum;
}

/// What the two passes read and write. `between` holds the picture after the first pass; its rows
/// are padded to a multiple of 32 bytes and their number to 32, so that no pass needs to treat the
/// end of a row apart.
struct ResizeJob {
  PictureView in;
  Picture* out;
  const ResizeTaps *across, *down;
  std::uint8_t *tile_in, *tile_out, *between;
  std::int64_t between_stride;
};

/// Resizes rows: 4 N of them at a time, turned so that the bytes of one column lie side by side.
template <int N> [[gnu::always_inline]] inline void resize_rows(const ResizeJob& job) {
  constexpr int tile = 4 * N;
  const std::int64_t in_bytes = std::int64_t{3} * job.in.width, whole = in_bytes / 16 * 16;
  const std::int64_t out_bytes = std::int64_t{3} * job.across->output;
  for (int y = 0; y < job.in.height; y += tile) {
    for (int part = 0; part < tile; part += 16) {
      const std::uint8_t* rows[16];
      for (int i = 0; i < 16; ++i) rows[i] = job.in.row(std::min(y + part + i, job.in.height - 1));
      for (std::int64_t b = 0; b < whole; b += 16)
        transpose_16x16(rows, b, job.tile_in + b * tile + part, tile);
      if (whole == in_bytes) continue;
      std::uint8_t rest[16][16] = {};  // the last bytes of a row may end the picture's memory
      for (int i = 0; i < 16; ++i) {
        std::memcpy(rest[i], rows[i] + whole, in_bytes - whole);
        rows[i] = rest[i];
      }
      transpose_16x16(rows, 0, job.tile_in + whole * tile + part, tile);
    }
    for (int x = 0; x < job.across->output; ++x)
      weighted_bytes<N>(
          job.tile_in + std::int64_t{3} * tile * job.across->first[x], 3 * tile,
          job.across->weight.data() + static_cast<std::ptrdiff_t>(x) * job.across->width,
          job.across->count[x], job.tile_out + std::int64_t{3} * tile * x,
          std::make_integer_sequence<int, 3>());
    for (int part = 0; part < tile; part += 16)
      for (std::int64_t b = 0; b < out_bytes; b += 16) {
        const std::uint8_t* columns[16];
        for (int i = 0; i < 16; ++i) columns[i] = job.tile_out + (b + i) * tile + part;
        transpose_16x16(columns, 0, job.between + (y + part) * job.between_stride + b,
                        job.between_stride);
      }
  }
}

template <int N> [[gnu::always_inline]] inline void resize_columns(const ResizeJob& job) {
  constexpr std::int64_t block = 8 * N;
  const std::int64_t bytes = std::int64_t{3} * job.across->output;
  for (int y = 0; y < job.down->output; ++y) {
    const std::uint8_t* from = job.between + job.down->first[y] * job.between_stride;
    const std::int32_t* weight = job.down->weight.data() +
                                 static_cast<std::ptrdiff_t>(y) * job.down->width;
    const int count = job.down->count[y];
    std::int64_t b = 0;
    for (; b + block <= bytes; b += block)
      weighted_bytes<N>(from + b, job.between_stride, weight, count, job.out->row(y) + b,
                        std::make_integer_sequence<int, 2>());
    for (; b < bytes; b += block / 2) {
      std::uint8_t last[block / 2];
      weighted_bytes<N>(from + b, job.between_stride, weight, count, last,
                        std::make_integer_sequence<int, 1>());
      std::memcpy(job.out->row(y) + b, last, std::min(block / 2, bytes - b));
    }
  }
}

template <int N> [[gnu::always_inline]] inline void resize_both(const ResizeJob& job) {
  resize_rows<N>(job);
  resize_columns<N>(job);
}

inline void resize_portable(const ResizeJob& job) { resize_both<4>(job); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) inline void resize_avx2(const ResizeJob& job) {
  resize_both<8>(job);
}
#endif

}  // namespace detail

/// Resizes pictures; keeps its scratch memory from one to the next. One per thread.
class Resizer {
 public:
  /// Fills `out`, whose extents say the size that is wanted. An empty picture throws ShapeError.
  void operator()(PictureView in, Interpolation interpolation, Picture& out);

 private:
  detail::ResizeTaps across_, down_;
  std::vector<std::uint8_t> tile_in_, tile_out_, between_;
};

/// `picture` at height x width pixels. A loop over many pictures keeps a Resizer instead.
inline Picture resized(PictureView picture, int height, int width,
                       Interpolation interpolation = Interpolation::bicubic) {
  Picture result(height, width);
  Resizer()(picture, interpolation, result);
  return result;
}

/// The size at which a picture of height x width just covers rows x columns pixels, its aspect
/// kept, fractions cut off. For rows = columns this is torchvision's Resize(rows): the short side
/// becomes `rows`.
inline std::array<int, 2> covering_size(int height, int width, int rows, int columns) {
  const auto scaled = [](int side, int to, int from) {
    return static_cast<int>(static_cast<double>(to) * side / from);
  };
  if (std::int64_t{width} * rows >= std::int64_t{height} * columns)
    return {rows, scaled(width, rows, height)};
  return {scaled(height, columns, width), columns};
}

/// The central rows x columns pixels of a picture that is at least that large; a half is rounded to
/// even, as torchvision does.
inline Box central_box(int height, int width, int rows, int columns) {
  return {static_cast<int>(std::nearbyint((height - rows) / 2.0)),
          static_cast<int>(std::nearbyint((width - columns) / 2.0)), rows, columns};
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/data/impl/image.ipp"
#endif
