// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <type_traits>

#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/host_device.hpp"

/// Vectors of floats on GCC's and clang's vector types, and the choice of an instruction set when
/// the program starts.
///
/// A kernel body is a template over an instruction set and always inlined; it is entered through
/// one of three functions with a `target` attribute (dispatch, below). So a program built without
/// flags contains all versions, and one binary serves every processor. Bits are equal for every
/// number of threads of one instruction set, not across instruction sets.

#if defined(__clang__)
#define ARVIT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ARVIT_UNROLL _Pragma("GCC unroll 64")
#endif

#if defined(__CUDACC__)  // it hands the host compiler's pragmas on, with a warning at each
#pragma nv_diagnostic push
#pragma nv_diag_suppress 1675
#endif
namespace arvit::cpu {

/// avx512_bf16 is avx512 with another product of matrices in bf16.
enum class Isa : char { baseline, avx2, avx512, avx512_bf16 };
constexpr Isa all_isas[] = {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_bf16};

constexpr std::string_view isa_name(Isa isa) {
  return isa == Isa::avx512_bf16 ? "avx512_bf16"
         : isa == Isa::avx512    ? "avx512"
         : isa == Isa::avx2      ? "avx2"
                                 : "baseline";
}

/// Whether this compiler can emit the dot product of bf16 pairs: clang asks for the target where
/// the instruction stands, before it is inlined. ARVIT_EMULATE_BF16_DOT=1 stands in for the
/// instruction on every processor with AVX-512, so that tests reach what surrounds it; it is for
/// whole programs, and slow.
#if defined(__x86_64__) && defined(ARVIT_EMULATE_BF16_DOT) && ARVIT_EMULATE_BF16_DOT
constexpr bool has_bf16_dot = false, emulates_bf16_dot = true;
#elif defined(__x86_64__) && !defined(__clang__)
constexpr bool has_bf16_dot = true, emulates_bf16_dot = false;
#else
constexpr bool has_bf16_dot = false, emulates_bf16_dot = false;
#endif
/// Whether avx512_bf16 multiplies matrices of T otherwise than avx512 does.
template <class T>
constexpr bool multiplies_pairs = std::is_same_v<T, bf16> && (has_bf16_dot || emulates_bf16_dot);

/// `width`: floats of a vector. `rows` x `vectors`: the block of a product that stays in registers.
struct Baseline {
  static constexpr int width = 4, rows = 4, vectors = 2;
};
struct Avx2 {
  static constexpr int width = 8, rows = 6, vectors = 2;
};
struct Avx512 {
  static constexpr int width = 16, rows = 12, vectors = 2;
};

/// The best instruction set of this processor.
inline Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("fma"))
    return emulates_bf16_dot || (has_bf16_dot && __builtin_cpu_supports("avx512bf16"))
               ? Isa::avx512_bf16
               : Isa::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
  return Isa::baseline;
}

/// best_isa(), or what the environment variable ARVIT_ISA (baseline, avx2, avx512, avx512_bf16)
/// names.
inline Isa choose_isa() {
  const char* const wanted = std::getenv("ARVIT_ISA");
  if (wanted == nullptr || *wanted == '\0') return best_isa();
  for (const Isa isa : all_isas)
    if (isa_name(isa) == wanted) {
      if (isa > best_isa())
        fail<OptionError>("ARVIT_ISA=", wanted, ": this program has at most ", isa_name(best_isa()),
                          " on this processor; name that or unset it.");
      return isa;
    }
  fail<OptionError>("ARVIT_ISA=", wanted,
                    " is not known; use baseline, avx2, avx512 or avx512_bf16, or unset it.");
}

namespace detail {
// Never inlined into each other: a body is compiled once for each instruction set, whoever calls
// it.
template <class Body, class... Args> __attribute__((noinline)) void enter_baseline(Args... args) {
  Body::template run<Baseline>(args...);
}
#if defined(__x86_64__)
template <class Body, class... Args>
__attribute__((target("avx2,fma"), noinline)) void enter_avx2(Args... args) {
  Body::template run<Avx2>(args...);
}
template <class Body, class... Args>
__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"), noinline)) void enter_avx512(
    Args... args) {
  Body::template run<Avx512>(args...);
}
#endif
/// Elements of a vector that is not full. Plain memory in and out, so that one copy serves every
/// instruction set.
template <class T>
__attribute__((noinline)) void copy_part(const T* from, T* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}
}  // namespace detail

/// The entry of Body for an instruction set. A body with `wide_only` set is never asked for by less
/// than AVX-512, and not compiled for less.
template <class Body, class... Args> auto entry(Isa isa) -> void (*)(Args...) {
#if defined(__x86_64__)
  if constexpr (requires { requires Body::wide_only; }) {
    return detail::enter_avx512<Body, Args...>;
  } else {
    if (isa >= Isa::avx512) return detail::enter_avx512<Body, Args...>;
    if (isa == Isa::avx2) return detail::enter_avx2<Body, Args...>;
    return detail::enter_baseline<Body, Args...>;
  }
#else
  return detail::enter_baseline<Body, Args...>;
#endif
}
/// Calls Body::run<instruction set>(args...).
template <class Body, class... Args> void dispatch(Isa isa, Args... args) {
  entry<Body, Args...>(isa)(args...);
}
/// The same from a body that runs already: a kernel that several bodies share.
template <class Isa, class Body, class... Args> ARVIT_INLINE void call(Args... args) {
#if defined(__x86_64__)
  if constexpr (Isa::width == Avx512::width) return detail::enter_avx512<Body>(args...);
  if constexpr (Isa::width == Avx2::width) return detail::enter_avx2<Body>(args...);
#endif
  if constexpr (Isa::width == Baseline::width) detail::enter_baseline<Body>(args...);
}

/// The compilers' vector types. Written out, because g++ 12 loses a vector_size that depends on a
/// template argument.
template <int N> struct Lanes;
template <> struct Lanes<4> {
  typedef float Raw __attribute__((vector_size(16)));
  typedef std::int32_t Ints __attribute__((vector_size(16)));
  typedef std::uint32_t Bits __attribute__((vector_size(16)));
  typedef std::uint16_t Halves __attribute__((vector_size(8)));
};
template <> struct Lanes<8> {
  typedef float Raw __attribute__((vector_size(32)));
  typedef std::int32_t Ints __attribute__((vector_size(32)));
  typedef std::uint32_t Bits __attribute__((vector_size(32)));
  typedef std::uint16_t Halves __attribute__((vector_size(16)));
};
template <> struct Lanes<16> {
  typedef float Raw __attribute__((vector_size(64)));
  typedef std::int32_t Ints __attribute__((vector_size(64)));
  typedef std::uint32_t Bits __attribute__((vector_size(64)));
  typedef std::uint16_t Halves __attribute__((vector_size(32)));
};

/// N floats. Passed by reference, because passing by value has another calling convention in each
/// instruction set.
template <int N> struct Floats {
  static constexpr int width = N;
  using Raw = typename Lanes<N>::Raw;
  using Ints = typename Lanes<N>::Ints;
  using Bits = typename Lanes<N>::Bits;
  using Halves = typename Lanes<N>::Halves;
  Raw raw;

  static ARVIT_INLINE Floats splat(float value) {
    return {value - Raw{}};
  }  // x - 0 is x for every x; x + 0 is not, and costs an addition
  static ARVIT_INLINE Floats load(const float* p) {
    Floats result;
    __builtin_memcpy(&result.raw, p, sizeof result.raw);
    return result;
  }
  static ARVIT_INLINE Floats load(const bf16* p) {
    Halves halves;
    __builtin_memcpy(&halves, p, sizeof halves);
    const Bits bits = __builtin_convertvector(halves, Bits) << 16;
    return {__builtin_bit_cast(Raw, bits)};
  }
  ARVIT_INLINE void store(float* p) const { __builtin_memcpy(p, &raw, sizeof raw); }
  ARVIT_INLINE void store(
      bf16* p) const {  // as bf16(float): to nearest, ties to even; a NaN stays a NaN
    const Bits bits = __builtin_bit_cast(Bits, raw);
    const Bits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const Bits result = (bits & 0x7fffffffu) > 0x7f800000u ? ((bits >> 16) | 0x40u) : rounded;
    const Halves halves = __builtin_convertvector(result, Halves);
    __builtin_memcpy(static_cast<void*>(p), &halves, sizeof halves);
  }
  /// The first `count` of N elements (none if negative); the others are zero, and not touched in
  /// memory.
  template <class T> static ARVIT_INLINE Floats load(const T* p, std::int64_t count) {
    if (count >= N) return load(p);
    T part[N] = {};
    detail::copy_part(p, part, count);
    return load(part);
  }
  template <class T> ARVIT_INLINE void store(T* p, std::int64_t count) const {
    if (count >= N) return store(p);
    T part[N];
    store(part);
    detail::copy_part(part, p, count);
  }
  /// Sum of the elements, in a fixed order: the upper half is added to the lower until one is left.
  ARVIT_INLINE float sum() const {
    if constexpr (N == 16) {
      return Floats<8>{__builtin_shufflevector(raw, raw, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(raw, raw, 8, 9, 10, 11, 12, 13, 14, 15)}
          .sum();
    } else if constexpr (N == 8) {
      return Floats<4>{__builtin_shufflevector(raw, raw, 0, 1, 2, 3) +
                       __builtin_shufflevector(raw, raw, 4, 5, 6, 7)}
          .sum();
    } else {
      const Raw pairs = raw + __builtin_shufflevector(raw, raw, 2, 3, 0, 1);
      return pairs[0] + pairs[1];
    }
  }
};

template <int N> ARVIT_INLINE Floats<N> operator+(const Floats<N>& a, const Floats<N>& b) {
  return {a.raw + b.raw};
}
template <int N> ARVIT_INLINE Floats<N> operator-(const Floats<N>& a, const Floats<N>& b) {
  return {a.raw - b.raw};
}
template <int N> ARVIT_INLINE Floats<N> operator*(const Floats<N>& a, const Floats<N>& b) {
  return {a.raw * b.raw};
}
template <int N> ARVIT_INLINE Floats<N> operator/(const Floats<N>& a, const Floats<N>& b) {
  return {a.raw / b.raw};
}
/// a * b + c, in one statement so that compilers contract it.
template <int N>
ARVIT_INLINE Floats<N> fma(const Floats<N>& a, const Floats<N>& b, const Floats<N>& c) {
  return {a.raw * b.raw + c.raw};
}
/// *a in every element, by one load that broadcasts: g++ 12 would load neighbours of *a together
/// and take them apart again.
template <int N> ARVIT_INLINE Floats<N> broadcast(const float* a) {
#if defined(__x86_64__) && !defined(__clang__)  // clang asks for the target where the instruction
                                                // stands, before it is inlined
  if constexpr (N >= 8) {
    Floats<N> all;
    asm("vbroadcastss %1, %0" : "=v"(all.raw) : "m"(*a));
    return all;
  }
#endif
  return Floats<N>::splat(*a);
}
/// *a * b + c. AVX-512 can broadcast inside the instruction: fewer instructions, but one more load
/// if *a is used again.
template <int N>
ARVIT_INLINE Floats<N> fma_splat(const float* a, const Floats<N>& b, const Floats<N>& c) {
#if defined(__x86_64__) && !defined(__clang__)
  if constexpr (N == 16) {
    Floats<N> sum = c;
    asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum.raw) : "v"(b.raw), "m"(*a));
    return sum;
  }
#endif
  return fma(Floats<N>::splat(*a), b, c);
}
template <int N> ARVIT_INLINE Floats<N> max(const Floats<N>& a, const Floats<N>& b) {
  return {a.raw > b.raw ? a.raw : b.raw};
}

/// step(begin, left) for every vector of 0..count; only the last may be partial, and has its own
/// copy of the step: a call for part of a vector would make the loop keep its state in memory.
template <class V, class Step> ARVIT_INLINE void each_vector(std::int64_t count, const Step& step) {
  std::int64_t i = 0;
  for (; i + V::width <= count; i += V::width) step(i, std::int64_t{V::width});
  if (i < count) step(i, count - i);
}

namespace detail {
/// Element i of the lower (Half 0) or upper halves of two vectors of N, taken alternately.
template <int N, int Half> constexpr int alternate(int i) {
  return (i & 1) * N + Half * N / 2 + i / 2;
}

template <int N, int Half>
ARVIT_INLINE Floats<N> interleave(
    const Floats<N>& a,
    const Floats<N>& b) {  // written out: nvcc loses the expansion of a pack here
  constexpr auto at = alternate<N, Half>;
  if constexpr (N == 4)
    return {__builtin_shufflevector(a.raw, b.raw, at(0), at(1), at(2), at(3))};
  else if constexpr (N == 8)
    return {__builtin_shufflevector(a.raw, b.raw, at(0), at(1), at(2), at(3), at(4), at(5), at(6),
                                    at(7))};
  else
    return {__builtin_shufflevector(a.raw, b.raw, at(0), at(1), at(2), at(3), at(4), at(5), at(6),
                                    at(7), at(8), at(9), at(10), at(11), at(12), at(13), at(14),
                                    at(15))};
}
}  // namespace detail

/// rows[i][j] becomes rows[j][i]: log2(N) perfect shuffles of row i with row i + N/2.
template <int N> ARVIT_INLINE void transpose(Floats<N> (&rows)[N]) {
  Floats<N> other[N];
  bool swapped = false;
  ARVIT_UNROLL
  for (int round = 1; round < N; round *= 2) {
    auto& from = swapped ? other : rows;
    auto& to = swapped ? rows : other;
    ARVIT_UNROLL
    for (int i = 0; i < N / 2; ++i) {
      to[2 * i] = detail::interleave<N, 0>(from[i], from[i + N / 2]);
      to[2 * i + 1] = detail::interleave<N, 1>(from[i], from[i + N / 2]);
    }
    swapped = !swapped;
  }
  if (swapped) {
    ARVIT_UNROLL
    for (int i = 0; i < N; ++i) rows[i] = other[i];
  }
}

}  // namespace arvit::cpu

#if defined(__CUDACC__)
#pragma nv_diagnostic pop
#endif
