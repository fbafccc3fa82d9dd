// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// bfloat16: the upper half of a float. Storage only; arithmetic happens in float.
struct bf16 {
  std::uint16_t bits = 0;
  constexpr bf16() = default;
  /// Rounds to nearest, ties to even; a NaN stays a NaN.
  ARVIT_HOST_DEVICE constexpr explicit bf16(float value) {
    const auto raw = __builtin_bit_cast(std::uint32_t, value);
    bits = (raw & 0x7fffffffu) > 0x7f800000u
               ? static_cast<std::uint16_t>((raw >> 16) | 0x40u)
               : static_cast<std::uint16_t>((raw + 0x7fffu + ((raw >> 16) & 1u)) >> 16);
  }
  ARVIT_HOST_DEVICE constexpr explicit operator float() const {
    return __builtin_bit_cast(float, std::uint32_t{bits} << 16);
  }
};

/// The type in which sums over T are formed.
template <class T> struct AccumulatorOf { using type = T; };
template <> struct AccumulatorOf<bf16> { using type = float; };
template <class T> using Accumulator = typename AccumulatorOf<T>::type;

template <class T> constexpr std::string_view dtype_name() {
  if constexpr (std::same_as<T, float>)
    return "fp32";
  else if constexpr (std::same_as<T, double>)
    return "fp64";
  else if constexpr (std::same_as<T, bf16>)
    return "bf16";
  else
    return "unknown";
}

/// Roles of numbers in a model, not one element type.
///   Weight      matrices as the products read them
///   Activation  packed tokens and their gradients
///   Gradient    gradients of parameters
///   Statistic   masters, moments, norms, biases, softmax, losses
template <class W, class A, class G, class S> struct Precision {
  using Weight = W;
  using Activation = A;
  using Gradient = G;
  using Statistic = S;
};
using Fp32 = Precision<float, float, float, float>;
using Bf16 = Precision<bf16, bf16, float, float>;
using Fp64 = Precision<double, double, double, double>;

}  // namespace arvit
