// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

#include "arvit/device/concept.hpp"
#include "arvit/device/cpu/math.hpp"
#include "arvit/device/cpu/panel.hpp"

/// Prefix-limited attention, one task per (segment, head). Scores of a tile of queries stay in cache and never reach memory.
///
/// A tile of scores is stored crosswise, [key][query], because then everything else is natural: softmax runs down a column of
/// vectors with no horizontal sum, a limit is one comparison per vector, and the tile is already packed as the left operand
/// of the product with the values. Keys beyond the largest limit of a tile are skipped.
namespace arvit::cpu {

template <class T>
struct AttentionArgs {
  Matrix<const T> q, k, v;
  int heads;
  Span<const Segment> segments;
  Span<const std::int32_t> limit;
  Matrix<T> out;
  Matrix<float> lse;
};

template <class T>
struct AttentionBackwardArgs {
  Matrix<const T> dout, q, k, v, out;
  Matrix<const float> lse;
  int heads;
  Span<const Segment> segments;
  Span<const std::int32_t> limit;
  Matrix<T> dq, dk, dv;
  Write write;    // of dk and dv
  bool separate;  // whether no two segments share a key: then tasks are independent; else a task is a head with all its segments
};

namespace detail {
/// Queries of a tile: a multiple of every vector width and of every number of rows in a register block.
constexpr std::int64_t tile = 48;

/// Sizes of one (segment, head), and how its scratch is laid out.
template <class Isa>
struct HeadShape {
  std::int64_t width, padded, keys, padded_keys;
  ARVIT_INLINE HeadShape(std::int64_t width, std::int64_t keys)
      : width(width), padded(round_up(width, Isa::width)), keys(keys), padded_keys(round_up(keys, Isa::rows)) {}
};
/// Enough for any instruction set: a vector is at most 16 wide, a register block at most 12 high.
inline std::int64_t attention_scratch(std::int64_t width, std::int64_t keys, bool backward) {
  const std::int64_t padded = round_up(width, 16), rows = round_up(keys, 12);
  const std::int64_t forward_floats = rows * (width + padded + tile) + tile * (width + padded) + 16 * 16;
  return backward ? forward_floats + rows * (width + 2 * padded + tile) + tile * (width + 2 * padded) + 16 * 16 : forward_floats;
}
struct Stack {  // hands out scratch; 16 floats of slack, because packing may write one vector beyond a panel
  float* next;
  ARVIT_INLINE float* take(std::int64_t floats) {
    float* const result = next;
    next += round_up(floats + 16, 16);
    return result;
  }
};

ARVIT_INLINE std::int64_t largest_limit(Span<const std::int32_t> limit, std::int64_t begin, std::int64_t end) {
  std::int32_t largest = 0;
  for (std::int64_t i = begin; i < end; ++i) largest = std::max(largest, limit[i]);
  return largest;
}

/// All keys (or values) of a head, crosswise in panels of a register block's height: the left operand of scores.
template <class Isa, class T>
ARVIT_INLINE void pack_keys(const T* source, std::int64_t stride, const HeadShape<Isa>& s, float* panels) {
  for (std::int64_t j = 0; j < s.keys; j += Isa::rows)
    pack_rows<Isa, Isa::rows>(source + j * stride, stride, s.keys - j, s.width, panels + j * s.width);
}
/// to[r][c] = source[r][c] in fp32, rows padded with zeros to whole vectors: the right operand of a product.
struct CopyRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const T* source, std::int64_t stride, std::int64_t rows, std::int64_t width, float* to, std::int64_t to_stride) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = 0; r < rows; ++r)
      each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
        V::load(source + r * stride + c, count).store(to + r * to_stride + c);
      });
  }
};
template <class Isa, class T>
ARVIT_INLINE void copy_rows(const T* source, std::int64_t stride, std::int64_t rows, const HeadShape<Isa>& s, float* to) {
  call<Isa, CopyRows>(source, stride, rows, s.width, to, s.padded);
}
/// crosswise[c * tile + i] = row i of `rows` queries; the rest of the last vector is zero.
template <class Isa, class T>
ARVIT_INLINE void cross_queries(const T* source, std::int64_t stride, std::int64_t rows, std::int64_t width, float* crosswise) {
  for (std::int64_t group = 0; group < rows; group += Isa::width)
    call<Isa, Cross>(source + group * stride, stride, std::min<std::int64_t>(Isa::width, rows - group), width, crosswise + group, tile);
}
/// scores[j * tile + i] = key j . query i, for keys below `keys` and `columns` queries.
template <class Isa>
ARVIT_INLINE void scores_of(const float* panels, const float* crosswise, const HeadShape<Isa>& s, std::int64_t keys, std::int64_t columns,
                            float* scores) {
  for (std::int64_t j = 0; j < keys; j += Isa::rows)
    row_product<Isa, 1>(s.width, panels + j * s.width, Isa::rows, crosswise, tile, scores + j * tile, tile, columns, false);
}
/// to[i][c] = sum over keys of scores[j * tile + i] * rows[j][c], for whole register blocks of queries.
template <class Isa>
ARVIT_INLINE void weighted_rows(const float* scores, const float* rows, const HeadShape<Isa>& s, std::int64_t keys, std::int64_t queries, float* to) {
  for (std::int64_t i = 0; i < queries; i += Isa::rows)
    row_product<Isa, 1>(keys, scores + i, tile, rows, s.padded, to + i * s.padded, s.padded, s.padded, false);
}
/// to[j][c] += sum over queries of scores[j * tile + i] * rows[i][c].
template <class Isa>
ARVIT_INLINE void add_to_keys(const float* scores, const float* rows, const HeadShape<Isa>& s, std::int64_t keys, std::int64_t queries, float* to) {
  for (std::int64_t j = 0; j < keys; j += Isa::rows)
    row_product<Isa, tile>(queries, scores + j * tile, 1, rows, s.padded, to + j * s.padded, s.padded, s.padded, true);
}

/// The limits of one vector of queries, 0 beyond the tile's end.
template <class Isa>
struct Limits {
  typename Floats<Isa::width>::Ints lanes;
  std::int64_t smallest, largest;
  ARVIT_INLINE Limits(Span<const std::int32_t> limit, std::int64_t begin, std::int64_t end) {
    std::int32_t values[Isa::width] = {};
    smallest = largest = begin < end ? limit[begin] : 0;
    for (std::int64_t i = begin; i < std::min(begin + Isa::width, end); ++i) {
      values[i - begin] = limit[i];
      smallest = std::min<std::int64_t>(smallest, limit[i]), largest = std::max<std::int64_t>(largest, limit[i]);
    }
    if (end - begin < Isa::width) smallest = 0;
    __builtin_memcpy(&lanes, values, sizeof lanes);
  }
};
/// All bits set in the lanes whose limit exceeds a key. Integers instead of comparisons, which g++ 12 would split into elements
/// where several of them meet.
template <int N>
struct Visible {
  typename Floats<N>::Ints bits;
  ARVIT_INLINE Visible(std::int64_t key, const typename Floats<N>::Ints& limit)
      : bits(((static_cast<std::int32_t>(key) - typename Floats<N>::Ints{}) - limit) >> 31) {}
  /// value where visible, else zero, even if value is no number.
  ARVIT_INLINE Floats<N> operator()(const Floats<N>& value) const {
    return {__builtin_bit_cast(typename Floats<N>::Raw, __builtin_bit_cast(typename Floats<N>::Ints, value.raw) & bits)};
  }
  /// value where visible, else `otherwise`.
  ARVIT_INLINE Floats<N> operator()(const Floats<N>& value, const Floats<N>& otherwise) const {
    return {__builtin_bit_cast(typename Floats<N>::Raw, (__builtin_bit_cast(typename Floats<N>::Ints, value.raw) & bits) |
                                                            (__builtin_bit_cast(typename Floats<N>::Ints, otherwise.raw) & ~bits))};
  }
};

/// One vector of columns: scores become exp(scale * score - top), top the column's largest scaled score.
/// lse = top + log(sum), inverse = 1 / sum; both zero where the limit is.
struct Exponentials {
  template <class Isa>
  static ARVIT_INLINE void run(float* column, const Limits<Isa>* limit, std::int64_t keys, float scale, float* inverse, float* lse) {
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
    for (; j < limit->largest; ++j) even = max(even, Visible<N>(j, limit->lanes)(V::load(column + j * tile), lowest));
    const V top = any(V::splat(scale) * max(even, odd)), factor = V::splat(scale), offset = V{} - top;
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

/// The same way back: scores become weights w = exp(scale * score - lse), slopes become scale * w * (slope - centre).
struct Slopes {
  template <class Isa>
  static ARVIT_INLINE void run(float* weight, float* slope, const Limits<Isa>* limit, std::int64_t keys, float scale, const float* centres,
                               const float* lses) {
    constexpr int N = Isa::width;
    using V = Floats<N>;
    const V centre = V::load(centres), offset = V{} - V::load(lses), factor = V::splat(scale);
    std::int64_t j = 0;
    for (; j < limit->largest; ++j) {
      const Visible<N> mask(j, limit->lanes);
      const V w = mask(exp(fma(factor, V::load(weight + j * tile), offset)));
      mask(factor * w * (V::load(slope + j * tile) - centre)).store(slope + j * tile);
      w.store(weight + j * tile);
    }
    for (; j < keys; ++j) V{}.store(weight + j * tile), V{}.store(slope + j * tile);
  }
};

/// centres[i] = dout row i . out row i.
struct Centres {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const T* dout, std::int64_t dout_stride, const T* out, std::int64_t out_stride, std::int64_t rows, std::int64_t width,
                               float* centres) {
    using V = Floats<Isa::width>;
    for (std::int64_t i = 0; i < rows; ++i) {
      V sum = {};
      each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
        sum = fma(V::load(dout + i * dout_stride + c, count), V::load(out + i * out_stride + c, count), sum);
      });
      centres[i] = sum.sum();
    }
  }
};

/// to[r][c] = factors[r] * from[r][c]; zero where factors[r] is, whatever `from` holds.
struct ScaledRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const float* from, std::int64_t stride, const float* factors, std::int64_t rows, std::int64_t width, T* to,
                               std::int64_t to_stride) {
    using V = Floats<Isa::width>;
    for (std::int64_t r = 0; r < rows; ++r)
      each_vector<V>(width, [&](std::int64_t c, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const V value = factors[r] == 0 ? V{} : V::splat(factors[r]) * V::load(from + r * stride + c);
        value.store(to + r * to_stride + c, count);
      });
  }
};
/// to[r][c] (=, +=) from[r][c].
struct WriteRows {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const float* from, std::int64_t stride, std::int64_t rows, std::int64_t width, T* to, std::int64_t to_stride, bool add) {
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
    const HeadShape<Isa> s(width, largest_limit(p->limit, segment.q_begin, segment.q_end));
    Stack stack{scratch};
    float *const keys = stack.take(s.padded_keys * width), *const values = stack.take(s.keys * s.padded);
    float *const queries = stack.take(width * tile), *const scores = stack.take(s.padded_keys * tile), *const result = stack.take(tile * s.padded);
    pack_keys(p->k[segment.k_begin] + at, p->k.stride(), s, keys);
    copy_rows(p->v[segment.k_begin] + at, p->v.stride(), s.keys, s, values);
    for (std::int64_t begin = segment.q_begin; begin < segment.q_end; begin += tile) {
      const std::int64_t end = std::min<std::int64_t>(begin + tile, segment.q_end), rows = end - begin;
      const std::int64_t keys_seen = largest_limit(p->limit, begin, end), columns = round_up(rows, V::width);
      float inverse[tile], lse[tile];
      cross_queries<Isa>(p->q[begin] + at, p->q.stride(), rows, width, queries);
      scores_of(keys, queries, s, keys_seen, columns, scores);
      for (std::int64_t group = 0; group < columns; group += V::width) {
        const Limits<Isa> limit(p->limit, begin + group, end);
        call<Isa, Exponentials>(scores + group, &limit, keys_seen, scale, inverse + group, lse + group);
      }
      weighted_rows(scores, values, s, keys_seen, rows, result);
      for (std::int64_t i = 0; i < rows; ++i) p->lse[begin + i][head] = lse[i];
      call<Isa, ScaledRows>(static_cast<const float*>(result), s.padded, static_cast<const float*>(inverse), rows, width, p->out[begin] + at, p->out.stride());
    }
  }
};

struct AttentionBackwardTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const AttentionBackwardArgs<T>* p, std::int64_t task, float* scratch) {
    const std::int64_t begin = p->separate ? task / p->heads : 0, end = p->separate ? begin + 1 : p->segments.size();
    for (std::int64_t i = begin; i < end; ++i) one<Isa>(*p, p->segments[i], task % p->heads, !p->separate || p->write == Write::add, scratch);
  }
  template <class Isa, class T>
  static ARVIT_INLINE void one(const AttentionBackwardArgs<T>& p, Segment segment, std::int64_t head, bool add, float* scratch) {
    using V = Floats<Isa::width>;
    const std::int64_t width = p.q.columns() / p.heads, at = head * width;
    const float scale = 1.f / std::sqrt(static_cast<float>(width));
    const HeadShape<Isa> s(width, largest_limit(p.limit, segment.q_begin, segment.q_end));
    Stack stack{scratch};
    float *const key_panels = stack.take(s.padded_keys * width), *const value_panels = stack.take(s.padded_keys * width);
    float* const keys = stack.take(s.keys * s.padded);
    float *const dkeys = stack.take(s.padded_keys * s.padded), *const dvalues = stack.take(s.padded_keys * s.padded);
    float *const weights = stack.take(s.padded_keys * tile), *const slopes = stack.take(s.padded_keys * tile);
    float *const crosswise = stack.take(width * tile), *const dcrosswise = stack.take(width * tile);
    float *const queries = stack.take(tile * s.padded), *const douts = stack.take(tile * s.padded), *const result = stack.take(tile * s.padded);
    pack_keys(p.k[segment.k_begin] + at, p.k.stride(), s, key_panels);
    pack_keys(p.v[segment.k_begin] + at, p.v.stride(), s, value_panels);
    copy_rows(p.k[segment.k_begin] + at, p.k.stride(), s.keys, s, keys);
    std::fill_n(dkeys, s.padded_keys * s.padded, 0.f);
    std::fill_n(dvalues, s.padded_keys * s.padded, 0.f);
    for (std::int64_t begin = segment.q_begin; begin < segment.q_end; begin += tile) {
      const std::int64_t end = std::min<std::int64_t>(begin + tile, segment.q_end), rows = end - begin;
      const std::int64_t keys_seen = largest_limit(p.limit, begin, end), columns = round_up(rows, V::width);
      const std::int64_t panels_end = round_up(keys_seen, Isa::rows);
      cross_queries<Isa>(p.q[begin] + at, p.q.stride(), rows, width, crosswise);
      cross_queries<Isa>(p.dout[begin] + at, p.dout.stride(), rows, width, dcrosswise);
      copy_rows(p.q[begin] + at, p.q.stride(), rows, s, queries);
      copy_rows(p.dout[begin] + at, p.dout.stride(), rows, s, douts);
      scores_of(key_panels, crosswise, s, keys_seen, columns, weights);
      scores_of(value_panels, dcrosswise, s, keys_seen, columns, slopes);
      for (std::int64_t group = 0; group < columns; group += V::width) {
        const Limits<Isa> limit(p.limit, begin + group, end);
        float centres[V::width] = {}, lses[V::width] = {};
        const std::int64_t count = std::min<std::int64_t>(V::width, rows - group);
        call<Isa, Centres>(p.dout[begin + group] + at, p.dout.stride(), p.out[begin + group] + at, p.out.stride(), count, width,
                           static_cast<float*>(centres));
        for (std::int64_t i = 0; i < count; ++i) lses[i] = p.lse[begin + group + i][head];
        call<Isa, Slopes>(weights + group, slopes + group, &limit, panels_end, scale, static_cast<const float*>(centres), static_cast<const float*>(lses));
      }
      weighted_rows(slopes, keys, s, keys_seen, rows, result);
      call<Isa, WriteRows>(static_cast<const float*>(result), s.padded, rows, width, p.dq[begin] + at, p.dq.stride(), false);
      add_to_keys(slopes, queries, s, keys_seen, rows, dkeys);
      add_to_keys(weights, douts, s, keys_seen, rows, dvalues);
    }
    T *const dk = p.dk[segment.k_begin] + at, *const dv = p.dv[segment.k_begin] + at;
    call<Isa, WriteRows>(static_cast<const float*>(dkeys), s.padded, s.keys, width, dk, p.dk.stride(), add);
    call<Isa, WriteRows>(static_cast<const float*>(dvalues), s.padded, s.keys, width, dv, p.dv.stride(), add);
    for (std::int64_t j = s.keys; !add && j < segment.k_end - segment.k_begin; ++j) {  // no query reads these
      std::fill_n(dk + j * p.dk.stride(), width, T{});
      std::fill_n(dv + j * p.dv.stride(), width, T{});
    }
  }
};

inline std::int64_t most_keys(Span<const Segment> segments, Span<const std::int32_t> limit) {
  std::int64_t most = 0;
  for (const Segment s : segments) most = std::max(most, largest_limit(limit, s.q_begin, s.q_end));
  return most;
}
}  // namespace detail

template <class T>
void attention(Context& context, const AttentionArgs<T>& args) {
  context.reserve_own(detail::attention_scratch(args.q.columns() / args.heads, detail::most_keys(args.segments, args.limit), false));
  context.each<detail::AttentionTask>(args.segments.size() * args.heads, &args);
}

template <class T>
void attention_backward(Context& context, AttentionBackwardArgs<T> args) {
  const auto zero = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j) std::fill_n(args.dk[j], args.dk.columns(), T{}), std::fill_n(args.dv[j], args.dv.columns(), T{});
  };
  args.separate = true;  // segments in ascending order; packed batches are
  std::int64_t covered = 0;
  for (const Segment s : args.segments) args.separate = args.separate && s.k_begin >= covered, covered = std::max<std::int64_t>(covered, s.k_end);
  if (args.write == Write::assign) {  // keys that no segment has get zero; with shared keys, all begin at zero
    covered = 0;
    if (args.separate)
      for (const Segment s : args.segments) zero(covered, s.k_begin), covered = s.k_end;
    zero(covered, args.dk.rows());
  }
  context.reserve_own(detail::attention_scratch(args.q.columns() / args.heads, detail::most_keys(args.segments, args.limit), true));
  context.each<detail::AttentionBackwardTask>(args.separate ? args.segments.size() * args.heads : args.heads,
                                              static_cast<const AttentionBackwardArgs<T>*>(&args));
}

}  // namespace arvit::cpu
