// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "arvit/data/picture.hpp"

/// Resizing as the Python Imaging Library computes it, bit for bit: antialiased, separable, first rows, then columns,
/// weights rounded to 22 fractional bits, each pass rounded and clamped to 8 bits. (Pillow 13 is the first version that
/// takes the columns first for some sizes; the papers' pipelines, and this, take the rows first always.)
namespace arvit {

enum class Filter : char { bilinear, bicubic };

namespace detail {

/// The weights of one axis: output i = sum over t < count[i] of weight[i * width + t] * input[first[i] + t].
struct ResizeTaps {
  static constexpr int fraction_bits = 22;
  int input = 0, output = 0, width = 0;
  Filter filter{};
  std::vector<int> first, count;
  std::vector<std::int32_t> weight;
  std::vector<double> exact;

  /// Triangle, or the cubic convolution of Keys (1981) with a = -1/2.
  static double kernel(Filter filter, double x) {
    x = std::abs(x);
    if (filter == Filter::bilinear) return x < 1 ? 1 - x : 0;
    constexpr double a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }

  void prepare(int from, int to, Filter chosen) {
    if (from == input && to == output && chosen == filter) return;
    input = from, output = to, filter = chosen;
    const double scale = static_cast<double>(from) / to, stretch = std::max(scale, 1.0);  // shrinking widens the kernel: no aliasing
    const double reach = (filter == Filter::bilinear ? 1.0 : 2.0) * stretch;
    width = static_cast<int>(std::ceil(reach)) * 2 + 1;
    first.resize(static_cast<std::size_t>(to)), count.resize(static_cast<std::size_t>(to)), exact.resize(static_cast<std::size_t>(width));
    weight.resize(static_cast<std::size_t>(to) * static_cast<std::size_t>(width));
    for (int i = 0; i < to; ++i) {
      const double center = (i + 0.5) * scale;
      const int begin = std::max(static_cast<int>(center - reach + 0.5), 0), end = std::min(static_cast<int>(center + reach + 0.5), from);
      double sum = 0;
      for (int t = 0; t < end - begin; ++t) sum += exact[static_cast<std::size_t>(t)] = kernel(filter, (t + begin - center + 0.5) * (1 / stretch));
      std::int32_t* row = weight.data() + static_cast<std::ptrdiff_t>(i) * width;
      for (int t = 0; t < end - begin; ++t) {
        const double fixed = exact[static_cast<std::size_t>(t)] / (sum == 0 ? 1 : sum) * (1 << fraction_bits);
        row[t] = static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
      }
      first[static_cast<std::size_t>(i)] = begin, count[static_cast<std::size_t>(i)] = end - begin;
    }
  }
};

/// `N` bytes and the sums over them; the sums fill one register of the chosen instruction set.
template <int N>
struct ByteLanes {
  typedef std::uint8_t Bytes __attribute__((vector_size(N)));
  typedef std::int16_t Halves __attribute__((vector_size(2 * N)));  // between the two: g++ 12 converts in one step lane by lane
  typedef std::int32_t Sums __attribute__((vector_size(4 * N)));
};

/// to[b] = the weighted sum of `count` rows of bytes, `stride` apart, for b < Bytes; a multiple of N.
template <int N, int Bytes>
[[gnu::always_inline]] inline void weighted_bytes(const std::uint8_t* from, std::int64_t stride, const std::int32_t* weight, int count, std::uint8_t* to) {
  using B = typename ByteLanes<N>::Bytes;
  using H = typename ByteLanes<N>::Halves;
  using S = typename ByteLanes<N>::Sums;
  constexpr int parts = Bytes / N;
  S sum[parts];
#pragma GCC unroll 16
  for (int p = 0; p < parts; ++p) sum[p] = S{} + (1 << (ResizeTaps::fraction_bits - 1));
  for (int t = 0; t < count; ++t, from += stride)
#pragma GCC unroll 16
    for (int p = 0; p < parts; ++p) {
      B bytes;
      std::memcpy(&bytes, from + p * N, N);
      sum[p] += __builtin_convertvector(__builtin_convertvector(bytes, H), S) * weight[t];
    }
#pragma GCC unroll 16
  for (int p = 0; p < parts; ++p) {
    S value = sum[p] >> ResizeTaps::fraction_bits;
    value &= ~(value >> 31);
    const S over = value > 255;
    value = (value & ~over) | (over & 255);
    const B bytes = __builtin_convertvector(__builtin_convertvector(value, H), B);
    std::memcpy(to + p * N, &bytes, N);
  }
}

typedef std::uint8_t ByteRow __attribute__((vector_size(16)));

[[gnu::always_inline]] inline void interleave_halves(const ByteRow* from, ByteRow* to) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    to[2 * i] = __builtin_shufflevector(from[i], from[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

/// Exchanges rows and columns of 16 x 16 bytes, in four rounds of interleaving.
[[gnu::always_inline]] inline void transpose_16x16(const std::uint8_t* const* from, std::int64_t offset, std::uint8_t* to) {
  ByteRow a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) std::memcpy(&a[i], from[i] + offset, 16);
  interleave_halves(a, b);
  interleave_halves(b, a);
  interleave_halves(a, b);
  interleave_halves(b, a);
  std::memcpy(to, a, sizeof a);
}

constexpr std::int64_t round_up(std::int64_t value, std::int64_t quantum) { return (value + quantum - 1) / quantum * quantum; }

/// What the two passes read and write. Rows of `between` are padded to a multiple of 16 bytes, and their number to 16.
struct ResizeJob {
  PictureView in;
  Picture* out;
  const ResizeTaps *across, *down;
  std::uint8_t *tile_in, *tile_out, *between;
  std::int64_t between_stride;
};

/// Resizes rows: 16 of them at a time, turned so that the bytes of one column lie side by side.
template <int N>
[[gnu::always_inline]] inline void resize_rows(const ResizeJob& job) {
  const std::int64_t in_bytes = std::int64_t{3} * job.in.width, whole = in_bytes / 16 * 16, out_bytes = std::int64_t{3} * job.across->output;
  for (int y = 0; y < job.in.height; y += 16) {
    const std::uint8_t* rows[16];
    for (int i = 0; i < 16; ++i) rows[i] = job.in.row(std::min(y + i, job.in.height - 1));
    for (std::int64_t b = 0; b < whole; b += 16) transpose_16x16(rows, b, job.tile_in + 16 * b);
    if (whole < in_bytes) {  // the last bytes of a row may end the picture's memory
      std::uint8_t rest[16][16] = {};
      for (int i = 0; i < 16; ++i) {
        std::memcpy(rest[i], rows[i] + whole, static_cast<std::size_t>(in_bytes - whole));
        rows[i] = rest[i];
      }
      transpose_16x16(rows, 0, job.tile_in + 16 * whole);
    }
    for (int x = 0; x < job.across->output; ++x)
      weighted_bytes<N, 48>(job.tile_in + 48 * static_cast<std::int64_t>(job.across->first[static_cast<std::size_t>(x)]), 48,
                            job.across->weight.data() + static_cast<std::ptrdiff_t>(x) * job.across->width,
                            job.across->count[static_cast<std::size_t>(x)], job.tile_out + 48 * static_cast<std::int64_t>(x));
    for (std::int64_t b = 0; b < out_bytes; b += 16) {
      const std::uint8_t* columns[16];
      for (int i = 0; i < 16; ++i) columns[i] = job.tile_out + 16 * (b + i);
      std::uint8_t turned[16][16];
      transpose_16x16(columns, 0, turned[0]);
      for (int i = 0; i < 16; ++i) std::memcpy(job.between + (y + i) * job.between_stride + b, turned[i], 16);
    }
  }
}

/// Resizes columns, from `from` (rows `stride` apart, readable up to a multiple of 16 bytes) into the result.
template <int N>
[[gnu::always_inline]] inline void resize_columns(const ResizeJob& job, const std::uint8_t* from, std::int64_t stride) {
  const std::int64_t bytes = std::int64_t{3} * job.across->output;
  for (int y = 0; y < job.down->output; ++y) {
    const std::uint8_t* source = from + job.down->first[static_cast<std::size_t>(y)] * stride;
    const std::int32_t* weight = job.down->weight.data() + static_cast<std::ptrdiff_t>(y) * job.down->width;
    const int count = job.down->count[static_cast<std::size_t>(y)];
    std::uint8_t* to = job.out->row(y);
    std::int64_t b = 0;
    for (; b + 64 <= bytes; b += 64) weighted_bytes<N, 64>(source + b, stride, weight, count, to + b);
    for (; b < bytes; b += 16) {
      std::uint8_t block[16];
      weighted_bytes<N, 16>(source + b, stride, weight, count, block);
      std::memcpy(to + b, block, static_cast<std::size_t>(std::min<std::int64_t>(16, bytes - b)));
    }
  }
}

template <int N>
[[gnu::always_inline]] inline void resize_both(const ResizeJob& job) {
  resize_rows<N>(job);
  resize_columns<N>(job, job.between, job.between_stride);
}

inline void resize_portable(const ResizeJob& job) { resize_both<4>(job); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) inline void resize_avx2(const ResizeJob& job) { resize_both<8>(job); }
__attribute__((target("avx512f,avx512bw,avx512vl"))) inline void resize_avx512(const ResizeJob& job) { resize_both<16>(job); }
#endif

}  // namespace detail

/// Resizes pictures; keeps its scratch memory from one to the next. One per thread.
class Resizer {
 public:
  /// Fills `out`, whose extents say the size that is wanted. An empty picture throws ShapeError.
  void operator()(PictureView in, Filter filter, Picture& out) {
    if (in.empty() || out.height() <= 0 || out.width() <= 0)
      fail<ShapeError>("resize: from ", in.height, "x", in.width, " to ", out.height(), "x", out.width(), " pixels; both sizes must be positive.");
    if (in.height == out.height() && in.width == out.width()) {
      for (int y = 0; y < in.height; ++y) std::copy_n(in.row(y), std::int64_t{3} * in.width, out.row(y));
      return;
    }
    across_.prepare(in.width, out.width(), filter);
    down_.prepare(in.height, out.height(), filter);
    const std::int64_t out_stride = detail::round_up(std::int64_t{3} * out.width(), 16);
    const auto grow = [](std::vector<std::uint8_t>& bytes, std::int64_t size) {
      if (static_cast<std::int64_t>(bytes.size()) < size) bytes.resize(static_cast<std::size_t>(size));
      return bytes.data();
    };
    const detail::ResizeJob job{in, &out, &across_, &down_, grow(tile_in_, 16 * detail::round_up(std::int64_t{3} * in.width, 16)),
                                grow(tile_out_, 16 * out_stride), grow(between_, detail::round_up(in.height, 16) * out_stride), out_stride};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return detail::resize_avx512(job);
    if (__builtin_cpu_supports("avx2")) return detail::resize_avx2(job);
#endif
    detail::resize_portable(job);
  }

 private:
  detail::ResizeTaps across_, down_;
  std::vector<std::uint8_t> tile_in_, tile_out_, between_;
};

/// `picture` at height x width pixels. A loop over many pictures keeps a Resizer instead.
inline Picture resized(PictureView picture, int height, int width, Filter filter = Filter::bicubic) {
  Picture result(height, width);
  Resizer()(picture, filter, result);
  return result;
}

/// The size at which a picture of height x width just covers rows x columns pixels, its aspect kept, fractions cut off.
/// For rows = columns this is torchvision's Resize(rows): the short side becomes `rows`.
inline std::array<int, 2> covering_size(int height, int width, int rows, int columns) {
  const auto scaled = [](int side, int to, int from) { return static_cast<int>(static_cast<double>(to) * side / from); };
  if (std::int64_t{width} * rows >= std::int64_t{height} * columns) return {rows, scaled(width, rows, height)};
  return {scaled(height, columns, width), columns};
}

/// The central rows x columns pixels of a picture that is at least that large; a half is rounded to even, as torchvision does.
inline Box central_box(int height, int width, int rows, int columns) {
  return {static_cast<int>(std::nearbyint((height - rows) / 2.0)), static_cast<int>(std::nearbyint((width - columns) / 2.0)), rows, columns};
}

}  // namespace arvit
