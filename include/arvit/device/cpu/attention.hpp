// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu/math.hpp"
#include "arvit/device/cpu/panel.hpp"
#include "arvit/device/ops/attention.hpp"

/// Prefix-limited attention, one task per (segment, head). Scores of a tile of queries stay in
/// cache and never reach memory.
///
/// A tile of scores is stored crosswise, [key][query], because then everything else is natural:
/// softmax runs down a column of vectors with no horizontal sum, a limit is one comparison per
/// vector, and the tile is already packed as the left operand of the product with the values. Keys
/// beyond the largest limit of a tile are skipped.
#if defined(__CUDACC__)  // it hands the host compiler's pragmas on, with a warning at each
#pragma nv_diagnostic push
#pragma nv_diag_suppress 1675
#endif
namespace arvit::cpu {

template <class T> struct AttentionArgs {
  Matrix<const T> q, k, v;
  int heads;
  Span<const Segment> segments;
  Span<const std::int32_t> limit;
  Matrix<T> out;
  Matrix<float> lse;
};

template <class T> struct AttentionBackwardArgs {
  Matrix<const T> dout, q, k, v;
  Matrix<const float> lse;
  int heads;
  Span<const Segment> segments;
  Span<const std::int32_t> limit;
  Matrix<T> dq, dk, dv;
  Write write;  // of dk and dv
};

namespace detail {
/// Queries of a tile: a multiple of every vector width and of every number of rows in a register
/// block.
constexpr std::int64_t tile = 48;

/// Keys and values are copied row by row, `slice` channels at a time, with a pitch that the product
/// kernel knows.
constexpr std::int64_t slice = 64, pitch = 80;

/// Sizes of one (segment, head), and how its scratch is laid out.
template <class Isa> struct HeadShape {
  std::int64_t width, padded, keys, padded_keys;
  ARVIT_INLINE HeadShape(std::int64_t width, std::int64_t keys)
      : width(width),
        padded(round_up(width, Isa::width)),
        keys(keys),
        padded_keys(round_up(keys, Isa::rows)) {}
  ARVIT_INLINE std::int64_t copied() const { return blocks_of(width, slice) * padded_keys * pitch; }
  /// each(first channel, channels, where its rows begin) for every slice of the head.
  template <class Each> ARVIT_INLINE void slices(const Each& each) const {
    for (std::int64_t c = 0; c < width; c += slice)
      each(c, std::min(slice, width - c), c / slice * padded_keys * pitch);
  }
};
/// Enough for any instruction set: a vector is at most 16 wide, a register block at most 12 high.
inline std::int64_t attention_scratch(std::int64_t width, std::int64_t keys, bool backward) {
  const std::int64_t padded = round_up(width, 16), rows = round_up(keys, 12),
                     copied = blocks_of(width, slice) * rows * pitch;
  return (backward ? 2 * rows * (padded + tile) + tile * (2 * width + 3 * padded)
                   : rows * tile + tile * (width + padded)) +
         2 * copied + 16 * 32;
}
struct Stack {  // hands out scratch; 16 floats of slack, because crossing may write one vector
                // beyond the last column
  float* next;
  ARVIT_INLINE float* take(std::int64_t floats) {
    float* const result = next;
    next += round_up(floats + 16, 16);
    return result;
  }
};

/// to[r][c] = source[r][c] in fp32, rows padded with zeros to whole vectors: an operand of a
/// product.
struct CopyRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const T* source, std::int64_t stride, std::int64_t rows,
                               std::int64_t width, float* to, std::int64_t to_stride) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = 0; r < rows; ++r)
      each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
        V::load(source + r * stride + c, count).store(to + r * to_stride + c);
      });
  }
};
template <class Isa, class T>
ARVIT_INLINE void copy_keys(const T* source, std::int64_t stride, const HeadShape<Isa>& s,
                            float* to) {
  s.slices([&](std::int64_t c, std::int64_t channels, std::int64_t at) ARVIT_INLINE_LAMBDA {
    call<Isa, CopyRows>(source + c, stride, s.keys, channels, to + at, pitch);
  });
}
template <class Isa, class T>
ARVIT_INLINE void copy_queries(const T* source, std::int64_t stride, std::int64_t rows,
                               const HeadShape<Isa>& s, float* to) {
  call<Isa, CopyRows>(source, stride, rows, s.width, to, s.padded);
}
/// crosswise[c * tile + i] = row i of `rows` queries; the rest of the last vector is some other
/// row.
template <class Isa, class T>
ARVIT_INLINE void cross_queries(const T* source, std::int64_t stride, std::int64_t rows,
                                std::int64_t width, float* crosswise) {
  for (std::int64_t group = 0; group < rows; group += Isa::width)
    call<Isa, Cross<>>(source + group * stride, stride,
                       std::min<std::int64_t>(Isa::width, rows - group), width, crosswise + group,
                       tile);
}

/// The limits of one vector of queries, 0 beyond `count`.
template <class Isa> struct Limits {
  using Ints = typename Floats<Isa::width>::Ints;
  Ints lanes;
  std::int64_t smallest, largest;
  ARVIT_INLINE void read(const std::int32_t* limit, std::int64_t count) {
    std::int32_t values[Isa::width] = {};
    for (std::int64_t i = 0; i < std::min<std::int64_t>(Isa::width, count); ++i)
      values[i] = limit[i];
    __builtin_memcpy(&lanes, values, sizeof lanes);
    smallest = largest = values[0];
    ARVIT_UNROLL
    for (int i = 1; i < Isa::width; ++i) {
      smallest = std::min<std::int64_t>(smallest, values[i]);
      largest = std::max<std::int64_t>(largest, values[i]);
    }
  }
};

/// What the queries of a tile may read, by groups of one vector: sorted tokens leave out whole
/// corners of a tile.
template <class Isa> struct TileReach {
  std::int64_t rows, groups, keys = 0;
  Limits<Isa> group[tile / Isa::width];
  ARVIT_INLINE TileReach(Span<const std::int32_t> limit, std::int64_t begin, std::int64_t end)
      : rows(end - begin), groups(blocks_of(rows, Isa::width)) {
    for (std::int64_t g = 0; g < groups; ++g) {
      group[g].read(limit.data() + begin + g * Isa::width, rows - g * Isa::width);
      keys = std::max(keys, group[g].largest);
    }
  }
  /// The queries first..last, in whole groups, outside of which nobody reads `key` or a later one.
  struct Range {
    std::int64_t first, last;
  };
  ARVIT_INLINE Range readers(std::int64_t key) const {
    std::int64_t g0 = 0, g1 = groups;
    while (g0 < g1 && group[g0].largest <= key) ++g0;
    while (g1 > g0 && group[g1 - 1].largest <= key) --g1;
    return {g0 * Isa::width, g1 * Isa::width};
  }
  /// As many keys as the queries of a register block from row i on read, or some more.
  ARVIT_INLINE std::int64_t keys_of_block(std::int64_t i) const {
    std::int64_t most = 0;
    for (std::int64_t g = i / Isa::width; g <= (std::min(i + Isa::rows, rows) - 1) / Isa::width;
         ++g)
      most = std::max(most, group[g].largest);
    return most;
  }
};

/// How many keys of a segment are read at all.
template <class Isa>
ARVIT_INLINE std::int64_t keys_read(Span<const std::int32_t> limit, Segment segment) {
  std::int64_t most = 0;
  Limits<Isa> group;
  for (std::int64_t i = segment.q_begin; i < segment.q_end; i += Isa::width) {
    group.read(limit.data() + i, segment.q_end - i);
    most = std::max(most, group.largest);
  }
  return most;
}

/// scores[j * tile + i] = key j . query i, for the keys and queries of `reach`; what no query reads
/// is not assigned.
template <class Isa>
ARVIT_INLINE void scores_of(const float* keys, const float* crosswise, const HeadShape<Isa>& s,
                            const TileReach<Isa>& reach, float* scores) {
  for (std::int64_t j = 0; j < reach.keys; j += Isa::rows) {
    const auto [first, last] = reach.readers(j);
    const std::int64_t begin = first, columns = last - first;
    s.slices([&](std::int64_t c, std::int64_t channels, std::int64_t at) ARVIT_INLINE_LAMBDA {
      row_product<Isa, pitch>(channels, keys + at + j * pitch, 1, crosswise + c * tile + begin,
                              tile, scores + j * tile + begin, tile, columns, c > 0);
    });
  }
}
/// to[i][c] = sum over keys of scores[j * tile + i] * rows[j][c], for whole register blocks of
/// queries.
template <class Isa>
ARVIT_INLINE void weighted_rows(const float* scores, const float* rows, const HeadShape<Isa>& s,
                                const TileReach<Isa>& reach, float* to) {
  for (std::int64_t i = 0; i < reach.rows; i += Isa::rows)
    s.slices([&](std::int64_t c, std::int64_t channels, std::int64_t at) ARVIT_INLINE_LAMBDA {
      row_product<Isa, 1>(reach.keys_of_block(i), scores + i, tile, rows + at, pitch,
                          to + i * s.padded + c, s.padded, round_up(channels, Isa::width), false);
    });
}
/// to[j][c] += sum over queries of scores[j * tile + i] * rows[i][c].
template <class Isa>
ARVIT_INLINE void add_to_keys(const float* scores, const float* rows, const HeadShape<Isa>& s,
                              const TileReach<Isa>& reach, float* to) {
  for (std::int64_t j = 0; j < reach.keys; j += Isa::rows) {
    const auto [first, last] = reach.readers(j);
    row_product<Isa, tile>(std::min(last, reach.rows) - first, scores + j * tile + first, 1,
                           rows + first * s.padded, s.padded, to + j * s.padded, s.padded, s.padded,
                           true);
  }
}

/// All bits set in the lanes whose limit exceeds a key. Integers instead of comparisons, which g++
/// 12 would split into elements where several of them meet.
template <int N> struct Visible {
  typename Floats<N>::Ints bits;
  ARVIT_INLINE Visible(std::int64_t key, const typename Floats<N>::Ints& limit)
      : bits(((static_cast<std::int32_t>(key) - typename Floats<N>::Ints{}) - limit) >> 31) {}
  /// value where visible, else zero, even if value is no number.
  ARVIT_INLINE Floats<N> operator()(const Floats<N>& value) const {
    return {__builtin_bit_cast(typename Floats<N>::Raw,
                               __builtin_bit_cast(typename Floats<N>::Ints, value.raw) & bits)};
  }
  /// value where visible, else `otherwise`.
  ARVIT_INLINE Floats<N> operator()(const Floats<N>& value, const Floats<N>& otherwise) const {
    return {__builtin_bit_cast(
        typename Floats<N>::Raw,
        (__builtin_bit_cast(typename Floats<N>::Ints, value.raw) & bits) |
            (__builtin_bit_cast(typename Floats<N>::Ints, otherwise.raw) & ~bits))};
  }
};

/// One vector of columns, with `keys` rows: scores become exp(scale * score - top), top the
/// column's largest scaled score. lse = top + log(sum), inverse = 1 / sum; both zero where the
/// limit is.
struct Exponentials {
  template <class Isa>
  static ARVIT_INLINE void run(float* column, const Limits<Isa>* limit, std::int64_t keys,
                               float scale, float* inverse, float* lse) {
    constexpr int N = Isa::width;
    using V = Floats<N>;
    const Visible<N> any(0, limit->lanes);
    const V lowest = V::splat(-__builtin_inff());
    V even = lowest, odd = lowest;  // two chains hide the latency
    std::int64_t j = 0;
    for (; j + 2 <= limit->smallest; j += 2) {
      even = max(even, V::load(column + j * tile));
      odd = max(odd, V::load(column + (j + 1) * tile));
    }
    for (; j < limit->largest; ++j)
      even = max(even, Visible<N>(j, limit->lanes)(V::load(column + j * tile), lowest));
    const V top = any(V::splat(scale) * max(even, odd)), factor = V::splat(scale),
            offset = V{} - top;
    V sum = {};
    for (j = 0; j < limit->largest; ++j) {
      const V p = Visible<N>(j, limit->lanes)(exp(fma(factor, V::load(column + j * tile), offset)));
      p.store(column + j * tile);
      sum = sum + p;
    }
    for (; j < keys; ++j) V{}.store(column + j * tile);
    any(V::splat(1.f) / sum).store(inverse);
    any(top + log(sum)).store(lse);
  }
};

/// The same way back: scores become weights w = exp(scale * score - lse), slopes become scale * w *
/// (slope - centre); centre, the sum of w * slope, is dout . out.
struct Slopes {
  template <class Isa>
  static ARVIT_INLINE void run(float* weight, float* slope, const Limits<Isa>* limit,
                               std::int64_t keys, float scale, const float* lses) {
    constexpr int N = Isa::width;
    using V = Floats<N>;
    const V offset = V{} - V::load(lses), factor = V::splat(scale);
    V centre = {};
    std::int64_t j = 0;
    for (; j < limit->largest; ++j) {
      const Visible<N> mask(j, limit->lanes);
      const V w = mask(exp(fma(factor, V::load(weight + j * tile), offset)));
      w.store(weight + j * tile);
      centre = centre + mask(w * V::load(slope + j * tile));
    }
    for (; j < keys; ++j) {
      V{}.store(weight + j * tile);
      V{}.store(slope + j * tile);
    }
    for (j = 0; j < limit->largest; ++j) {
      const Visible<N> mask(j, limit->lanes);
      mask(factor * V::load(weight + j * tile) * (V::load(slope + j * tile) - centre))
          .store(slope + j * tile);
    }
  }
};

/// to[r][c] = factors[r] * from[r][c]; zero where factors[r] is, whatever `from` holds.
struct ScaledRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const float* from, std::int64_t stride, const float* factors,
                               std::int64_t rows, std::int64_t width, T* to,
                               std::int64_t to_stride) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = 0; r < rows; ++r) {
      const V factor = V::splat(factors[r]);
      if (factors[r] == 0)
        each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
          V{}.store(to + r * to_stride + c, count);
        });
      else
        each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
          (factor * V::load(from + r * stride + c)).store(to + r * to_stride + c, count);
        });
    }
  }
};
/// to[r][c] (=, +=) from[r][c].
struct WriteRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const float* from, std::int64_t stride, std::int64_t rows,
                               std::int64_t width, T* to, std::int64_t to_stride, bool add) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = 0; r < rows; ++r)
      each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
        V value = V::load(from + r * stride + c);
        if (add) value = value + V::load(to + r * to_stride + c, count);
        value.store(to + r * to_stride + c, count);
      });
  }
};

struct AttentionTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const AttentionArgs<T>* p, std::int64_t task, float* scratch) {
    using V = Floats<Isa::width>;
    const Segment segment = p->segments[task / p->heads];
    const std::int64_t head = task % p->heads, width = p->q.columns() / p->heads, at = head * width;
    const float scale = 1.f / std::sqrt(static_cast<float>(width));
    const HeadShape<Isa> s(width, keys_read<Isa>(p->limit, segment));
    Stack stack{scratch};
    float *const keys = stack.take(s.copied()), *const values = stack.take(s.copied());
    float *const queries = stack.take(width * tile),
                 *const scores = stack.take(s.padded_keys * tile),
                 *const result = stack.take(tile * s.padded);
    copy_keys(p->k[segment.k_begin] + at, p->k.stride(), s, keys);
    copy_keys(p->v[segment.k_begin] + at, p->v.stride(), s, values);
    for (std::int64_t begin = segment.q_begin; begin < segment.q_end; begin += tile) {
      const std::int64_t end = std::min<std::int64_t>(begin + tile, segment.q_end),
                         rows = end - begin;
      const TileReach<Isa> reach(p->limit, begin, end);
      float inverse[tile], lse[tile];
      cross_queries<Isa>(p->q[begin] + at, p->q.stride(), rows, width, queries);
      scores_of(keys, queries, s, reach, scores);
      for (std::int64_t g = 0; g < reach.groups; ++g)
        call<Isa, Exponentials>(scores + g * V::width, &reach.group[g], reach.keys, scale,
                                inverse + g * V::width, lse + g * V::width);
      weighted_rows(scores, values, s, reach, result);
      for (std::int64_t i = 0; i < rows; ++i) p->lse[begin + i][head] = lse[i];
      call<Isa, ScaledRows>(static_cast<const float*>(result), s.padded,
                            static_cast<const float*>(inverse), rows, width, p->out[begin] + at,
                            p->out.stride());
    }
  }
};

struct AttentionBackwardTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const AttentionBackwardArgs<T>* args, std::int64_t task,
                               float* scratch) {
    const AttentionBackwardArgs<T>& p = *args;
    const Segment segment = p.segments[task / p.heads];
    const std::int64_t head = task % p.heads;
    const bool add = p.write == Write::add;
    using V = Floats<Isa::width>;
    const std::int64_t width = p.q.columns() / p.heads, at = head * width;
    const float scale = 1.f / std::sqrt(static_cast<float>(width));
    const HeadShape<Isa> s(width, keys_read<Isa>(p.limit, segment));
    Stack stack{scratch};
    float *const keys = stack.take(s.copied()), *const values = stack.take(s.copied());
    float *const dkeys = stack.take(s.padded_keys * s.padded), *const dvalues = stack.take(
                                                                   s.padded_keys * s.padded);
    float *const weights = stack.take(s.padded_keys * tile), *const slopes = stack.take(
                                                                 s.padded_keys * tile);
    float *const crosswise = stack.take(width * tile), *const dcrosswise = stack.take(width * tile);
    float *const queries = stack.take(tile * s.padded), *const douts = stack.take(tile * s.padded),
                 *const result = stack.take(tile * s.padded);
    copy_keys(p.k[segment.k_begin] + at, p.k.stride(), s, keys);
    copy_keys(p.v[segment.k_begin] + at, p.v.stride(), s, values);
    std::fill_n(dkeys, s.padded_keys * s.padded, 0.f);
    std::fill_n(dvalues, s.padded_keys * s.padded, 0.f);
    for (std::int64_t begin = segment.q_begin; begin < segment.q_end; begin += tile) {
      const std::int64_t end = std::min<std::int64_t>(begin + tile, segment.q_end),
                         rows = end - begin;
      const TileReach<Isa> reach(p.limit, begin, end);
      cross_queries<Isa>(p.q[begin] + at, p.q.stride(), rows, width, crosswise);
      cross_queries<Isa>(p.dout[begin] + at, p.dout.stride(), rows, width, dcrosswise);
      copy_queries(p.q[begin] + at, p.q.stride(), rows, s, queries);
      copy_queries(p.dout[begin] + at, p.dout.stride(), rows, s, douts);
      scores_of(keys, crosswise, s, reach, weights);
      scores_of(values, dcrosswise, s, reach, slopes);
      float lses[tile] = {};
      for (std::int64_t i = 0; i < rows; ++i) lses[i] = p.lse[begin + i][head];
      for (std::int64_t g = 0; g < reach.groups; ++g)
        call<Isa, Slopes>(weights + g * V::width, slopes + g * V::width, &reach.group[g],
                          round_up(reach.keys, Isa::rows), scale,
                          static_cast<const float*>(lses + g * V::width));
      weighted_rows(slopes, keys, s, reach, result);
      call<Isa, WriteRows>(static_cast<const float*>(result), s.padded, rows, width,
                           p.dq[begin] + at, p.dq.stride(), false);
      add_to_keys(slopes, queries, s, reach, dkeys);
      add_to_keys(weights, douts, s, reach, dvalues);
    }
    T *const dk = p.dk[segment.k_begin] + at, *const dv = p.dv[segment.k_begin] + at;
    call<Isa, WriteRows>(static_cast<const float*>(dkeys), s.padded, s.keys, width, dk,
                         p.dk.stride(), add);
    call<Isa, WriteRows>(static_cast<const float*>(dvalues), s.padded, s.keys, width, dv,
                         p.dv.stride(), add);
    if (add) return;
    for (std::int64_t j = s.keys; j < segment.k_end - segment.k_begin; ++j) {
      // No query reads these.
      std::fill_n(dk + j * p.dk.stride(), width, T{});
      std::fill_n(dv + j * p.dv.stride(), width, T{});
    }
  }
};
}  // namespace detail

template <class P> void attention(Context& context, const ops::AttentionOn<P, HostSpace>& op) {
  const AttentionArgs<typename P::Activation> args{
      op.q, op.k, op.v, op.heads, op.reach.segments, op.reach.limit, op.out, op.lse};
  context.reserve_own(
      detail::attention_scratch(op.q.columns() / op.heads, op.reach.extents.longest_keys, false));
  context.each<detail::AttentionTask>(args.segments.size() * args.heads, &args);
}

template <class P>
void attention_backward(Context& context, const ops::AttentionBackwardOn<P, HostSpace>& op) {
  using T = typename P::Activation;
  const AttentionBackwardArgs<T> args{
      op.dout,           op.q,           op.k,  op.v,  op.lse, op.heads,
      op.reach.segments, op.reach.limit, op.dq, op.dk, op.dv,  op.write};
  if (op.write == Write::assign) {  // keys between segments get zero
    std::int64_t covered = 0;
    const auto zero_until = [&](std::int64_t end) {
      for (; covered < end; ++covered) {
        std::fill_n(op.dk[covered], op.dk.columns(), T{});
        std::fill_n(op.dv[covered], op.dv.columns(), T{});
      }
    };
    for (const Segment& s : args.segments) {
      zero_until(s.k_begin);
      covered = s.k_end;
    }
    zero_until(op.dk.rows());
  }
  context.reserve_own(
      detail::attention_scratch(op.q.columns() / op.heads, op.reach.extents.longest_keys, true));
  context.each<detail::AttentionBackwardTask>(args.segments.size() * args.heads, &args);
}

}  // namespace arvit::cpu

#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif
