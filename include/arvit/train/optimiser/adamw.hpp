// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// AdamW (Loshchilov and Hutter 2019, algorithm 2). `step`, t, counts from 1:
///   m1 += (1 - beta1) (g - m1)      m2 += (1 - beta2) (g^2 - m2)
///   p = (1 - rate * weight_decay) p - rate * (m1 / (1 - beta1^t)) /
///                                            (sqrt(m2 / (1 - beta2^t)) + epsilon)
struct AdamW {
  static constexpr std::string_view name = "AdamW";
  static constexpr std::array<std::string_view, 2> states{"moment1", "moment2"};
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0.05;
  std::int64_t step = 1;

  template <class Part> ARVIT_HOST_DEVICE ARVIT_INLINE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    // The factors are formed in double once; only the loop is in the precision of the device.
    const double rate = learning_rate * part.run().rate, t = static_cast<double>(step);
    const Entry new1 = Part::all(1 - beta1), new2 = Part::all(1 - beta2);
    const Entry keep = Part::all(1 - rate * weight_decay * part.run().decay);
    const Entry move = Part::all(-rate / (1 - std::pow(beta1, t)));
    const Entry second = Part::all(1 / (1 - std::pow(beta2, t)));
    const Entry small = Part::all(epsilon);
    part.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry g = e.gradient(), old1 = e.state(0), old2 = e.state(1);
      const Entry m1 = fma(new1, g - old1, old1);
      const Entry m2 = fma(new2, fma(g, g, Entry{} - old2), old2);
      e.state(0, m1);
      e.state(1, m2);
      e.parameter(fma(move, m1 / (sqrt(m2 * second) + small), keep * e.parameter()));
    });
  }
};

}  // namespace arvit
