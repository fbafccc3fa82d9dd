// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/cpu/simd.hpp"

/// exp, log and the normal distribution function on vectors. The polynomials are our own
/// least-squares fits.
namespace arvit::cpu {

template <int N> ARVIT_INLINE Floats<N> polynomial(const Floats<N>&, float constant) {
  return Floats<N>::splat(constant);
}
/// constant + x * (first + x * (...)), by Horner's rule.
template <int N, class... Rest>
ARVIT_INLINE Floats<N> polynomial(const Floats<N>& x, float constant, Rest... rest) {
  return fma(polynomial(x, rest...), x, Floats<N>::splat(constant));
}

namespace detail {
/// e^r for |r| <= ln(2) / 2. The polynomial in two halves: half the latency.
template <int N> ARVIT_INLINE Floats<N> exp_near_zero(const Floats<N>& r) {
  const Floats<N> square = r * r,
                  p = fma(polynomial(r, 0.0083334344f, 0.0013947162f, 0.00019826132f), square * r,
                          polynomial(r, 0.5f, 0.16666666f, 0.041666254f));
  return fma(p, square, r) + Floats<N>::splat(1.f);
}
}  // namespace detail

/// e^x, relative error below 2e-7 where e^x is a normal number; zero below -104, infinite
/// above 88.73; a NaN stays a NaN.
template <int N> ARVIT_INLINE Floats<N> exp(const Floats<N>& x) {
  using V = Floats<N>;
  using Raw = typename V::Raw;
  using Ints = typename V::Ints;
  // Clamped to where the two factors below underflow and overflow by themselves, so that no
  // selection is needed: g++ 12 splits vectors when a caller's comparison meets one of ours.
  const V low = V::splat(-104.f), high = V::splat(89.f),
          magic = V::splat(12582912.f);  // 1.5 * 2^23: adding it rounds to an integer
  const V above = {low.raw > x.raw ? low.raw : x.raw},
          t = {high.raw < above.raw ? high.raw : above.raw};
  const V shifted = fma(t, V::splat(1.44269504f), magic);
  const V n = shifted - magic;
  const V r = fma(n, V::splat(-1.42860677e-6f),
                  fma(n, V::splat(-0.693145752f), t));  // ln 2 in two parts
  const V p = detail::exp_near_zero(r);
#if defined(__x86_64__) && !defined(__clang__)  // clang asks for the target where the instruction
                                                // stands, before it is inlined
  if constexpr (N == 16) {
    V result;
    asm("vscalefps %2, %1, %0" : "=v"(result.raw) : "v"(p.raw), "v"(n.raw));
    return result;
  }
#endif
  const Ints exponent = __builtin_bit_cast(Ints, shifted.raw) - __builtin_bit_cast(Ints, magic.raw);
  const Ints half = exponent >> 1;  // 2^n in two factors: n goes from -150 to 128
  const Ints first = (half + 127) << 23, second = (exponent - half + 127) << 23;
  return p * V{__builtin_bit_cast(Raw, first)} * V{__builtin_bit_cast(Raw, second)};
}

/// Natural logarithm of positive normal numbers, absolute error below 1e-7 + 1e-7 * |log x|.
template <int N> ARVIT_INLINE Floats<N> log(const Floats<N>& x) {
  using V = Floats<N>;
  using Ints = typename V::Ints;
  using Raw = typename V::Raw;
  const Ints offset = __builtin_bit_cast(Ints, x.raw) -
                      0x3f3504f3;  // sqrt(1/2): the mantissa lies in [sqrt(1/2), sqrt(2))
  const Ints exponent = offset >> 23;
  const Ints mantissa = __builtin_bit_cast(Ints, x.raw) - (exponent << 23);
  const V f = V{__builtin_bit_cast(Raw, mantissa)} - V::splat(1.f),
          n = {__builtin_convertvector(exponent, Raw)};
  const V square = f * f;
  const V tail = polynomial(f, 0.33333328f, -0.25000846f, 0.20001413f, -0.16622752f, 0.14197877f,
                            -0.13161606f, 0.12786330f, -0.07660819f);
  const V small = fma(n, V::splat(1.42860677e-6f), fma(tail * f, square, V::splat(-0.5f) * square));
  return fma(n, V::splat(0.693145752f), f + small);
}

/// Square root of numbers that are not negative, within 1 ulp. A vector type has no such operation,
/// so: Newton's method for 1 / sqrt(x) from a guess in integers, and one correction of x times
/// that.
template <int N> ARVIT_INLINE Floats<N> sqrt(const Floats<N>& x) {
  using V = Floats<N>;
  using Ints = typename V::Ints;
  const Ints guess = 0x5f375a86 - (__builtin_bit_cast(Ints, x.raw) >> 1);
  V inverse = {__builtin_bit_cast(typename V::Raw, guess)};
  for (int round = 0; round < 3; ++round)
    inverse = inverse * (V::splat(1.5f) - V::splat(0.5f) * x * inverse * inverse);
  const V root = x * inverse;
  return fma(V::splat(0.5f) * inverse, x - root * root, root);
}

template <int N> ARVIT_INLINE Floats<N> abs(const Floats<N>& x) {
  const Floats<N> zero = {};
  return {x.raw < zero.raw ? -x.raw : x.raw};
}
/// 1, -1, or 0 at 0 and where x is no number.
template <int N> ARVIT_INLINE Floats<N> sign(const Floats<N>& x) {
  const Floats<N> zero = {}, up = Floats<N>::splat(1.f), down = Floats<N>::splat(-1.f);
  return {x.raw > zero.raw ? up.raw : x.raw < zero.raw ? down.raw : zero.raw};
}

namespace detail {
/// 1 / d for positive normal numbers, relative error below 2e-7, by Newton's method from a guess: a
/// division of vectors costs as much as all the rest of what needs this.
template <int N> ARVIT_INLINE Floats<N> reciprocal(const Floats<N>& d) {
  using V = Floats<N>;
  const V one = V::splat(1.f);
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (N == 16) {
    V q;
    asm("vrcp14ps %1, %0" : "=v"(q.raw) : "v"(d.raw));
    return fma(q, one - d * q, q);
  }
#endif
  V q = {__builtin_bit_cast(typename V::Raw,
                            0x7ef311c7 - __builtin_bit_cast(typename V::Ints, d.raw))};
  for (int round = 0; round < 3; ++round) q = fma(q, one - d * q, q);
  return q;
}
}  // namespace detail

/// The standard normal distribution at x: `cdf`, absolute error below 1e-7 and relative error below
/// 1e-6 (1 + x^2) in the lower tail, down to -12 (so erf(x) = 2 cdf(x sqrt 2) - 1 within 2e-7), and
/// exp(-x^2 / 2), which its density needs as well. A NaN stays a NaN.
template <int N> struct Normal { Floats<N> cdf, bell; };
/// cdf(-u) is the bell times a polynomial in u up to 2.5, and in q = 1 / (1 + 0.3 u) beyond.
template <int N> ARVIT_INLINE Normal<N> normal(const Floats<N>& x) {
  using V = Floats<N>;
  using Raw = typename V::Raw;
  using Ints = typename V::Ints;
  const V bell = exp(V::splat(-0.5f) * x * x), one = V::splat(1.f), last = V::splat(16.f);
  const Ints bits = __builtin_bit_cast(Ints, x.raw), negative = bits >> 31;
  const V size = {__builtin_bit_cast(Raw, bits & 0x7fffffff)},
          u = {size.raw < last.raw ? size.raw : last.raw};
  const Ints size_bits = __builtin_bit_cast(Ints, u.raw),
             far = (0x40200000 - size_bits) >> 31;  // all bits set beyond 2.5
  const V cube = u * u * u, low = polynomial(u, 0.5f, -0.398941576f, 0.249986738f, -0.132883772f,
                                             0.0621348023f, -0.0257852376f);
  const V high = polynomial(u, 0.00926876441f, -0.00271081482f, 0.000584201945f, -7.98925612e-5f,
                            5.08965695e-6f);
  const V near_part = fma(high, cube * cube, low);
  const V d = fma(V::splat(0.3f), u, one);
  const V q = detail::reciprocal(d);
  const V far_part = polynomial(q, 0.000438624294f, 0.113230675f, 0.156641811f, 0.00590981869f,
                                0.224513844f);
  const V mills = {__builtin_bit_cast(Raw, (__builtin_bit_cast(Ints, far_part.raw) & far) |
                                               (__builtin_bit_cast(Ints, near_part.raw) & ~far))};
  const V tail = bell * mills, rest = one - tail;
  return {{__builtin_bit_cast(Raw, (__builtin_bit_cast(Ints, tail.raw) & negative) |
                                       (__builtin_bit_cast(Ints, rest.raw) & ~negative))},
          bell};
}

/// Exact GELU (Hendrycks and Gimpel 2016): x times the normal distribution function; and its
/// derivative.
template <int N> ARVIT_INLINE Floats<N> gelu(const Floats<N>& x) { return x * normal(x).cdf; }
template <int N> struct GeluSlope { Floats<N> value, slope; };
template <int N> ARVIT_INLINE GeluSlope<N> gelu_slope(const Floats<N>& x) {
  const Normal<N> at = normal(x);
  return {x * at.cdf, fma(x * at.bell, Floats<N>::splat(0.39894228f), at.cdf)};
}

}  // namespace arvit::cpu
