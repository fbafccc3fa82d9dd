// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/cpu/simd.hpp"

/// What the operands of a product become in scratch: words of 32 bits, which the register block
/// multiplies and adds. A word is one number in fp32, or two bf16 of neighbouring k, the earlier in
/// the lower half, for processors with a dot product of such pairs (AVX512-BF16). Words are kept as
/// float, and moved, but only multiply_add computes with them.
namespace arvit::cpu {

/// Words of one number in fp32.
struct Singles {
  static constexpr std::int64_t numbers = 1;

  /// a * b + c, and the same with *a in every element.
  template <int N>
  static ARVIT_INLINE Floats<N> multiply_add(const Floats<N>& a, const Floats<N>& b,
                                             const Floats<N>& c) {
    return fma(a, b, c);
  }
  template <int N>
  static ARVIT_INLINE Floats<N> multiply_add(const float* a, const Floats<N>& b,
                                             const Floats<N>& c) {
    return fma_splat(a, b, c);
  }
  /// A vector of words from a row whose k are contiguous, of which `count` are left.
  template <class V, class T> static ARVIT_INLINE V along(const T* row, std::int64_t count) {
    return V::load(row, count);
  }
  /// The words of V::width neighbouring rows that begin at one k: their numbers k lie at `line`,
  /// those of k + 1 `stride` further; `count` rows and `depth` numbers of each are left.
  template <class V, class T>
  static ARVIT_INLINE V across(const T* line, std::int64_t, std::int64_t count, std::int64_t) {
    return V::load(line, count);
  }
  /// The sum of the numbers of each word.
  template <class V> static ARVIT_INLINE V sum(const V& words) { return words; }
};

/// Words of two bf16; what a pair has beyond the depth is zero.
struct Pairs {
  static constexpr std::int64_t numbers = 2;

  template <int N>
  static ARVIT_INLINE Floats<N> multiply_add(const Floats<N>& a, const Floats<N>& b,
                                             const Floats<N>& c) {
    if constexpr (N == 16 && has_bf16_dot) {
      Floats<N> sum = c;
      asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(b.raw), "v"(a.raw));
      return sum;
    } else {  // in the order of the instruction, which takes and makes zeros instead of subnormal
              // numbers
      return fma(low(a), low(b), fma(high(a), high(b), c));
    }
  }
  template <int N>
  static ARVIT_INLINE Floats<N> multiply_add(const float* a, const Floats<N>& b,
                                             const Floats<N>& c) {
    if constexpr (N == 16 && has_bf16_dot) {
      Floats<N> sum = c;
      asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum.raw) : "v"(b.raw), "m"(*a));
      return sum;
    } else {
      return multiply_add(broadcast<N>(a), b, c);
    }
  }
  template <class V> static ARVIT_INLINE V along(const bf16* row, std::int64_t count) {
    V words;
    if (count >= 2 * V::width) {
      __builtin_memcpy(&words.raw, row, sizeof words.raw);
    } else {
      bf16 part[2 * V::width] = {};
      detail::copy_part(row, part, count);
      __builtin_memcpy(&words.raw, part, sizeof words.raw);
    }
    return words;
  }
  template <class V>
  static ARVIT_INLINE V across(const bf16* line, std::int64_t stride, std::int64_t count,
                               std::int64_t depth) {
    using Bits = typename V::Bits;
    Bits both = __builtin_bit_cast(Bits, V::load(line, count).raw) >> 16;
    if (depth > 1) both |= __builtin_bit_cast(Bits, V::load(line + stride, count).raw);
    return {__builtin_bit_cast(typename V::Raw, both)};
  }
  template <class V> static ARVIT_INLINE V sum(const V& words) { return low(words) + high(words); }

 private:
  template <class V> static ARVIT_INLINE V low(const V& pairs) {
    return {
        __builtin_bit_cast(typename V::Raw, __builtin_bit_cast(typename V::Bits, pairs.raw) << 16)};
  }
  template <class V> static ARVIT_INLINE V high(const V& pairs) {
    return {__builtin_bit_cast(typename V::Raw,
                               __builtin_bit_cast(typename V::Bits, pairs.raw) & 0xffff0000u)};
  }
};

}  // namespace arvit::cpu
