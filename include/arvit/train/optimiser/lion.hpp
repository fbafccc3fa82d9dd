// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// Lion (Chen et al. 2023, algorithm 2): the sign of a gradient mixed with those before it.
///   u = sign(beta1 m + (1 - beta1) g)      m = beta2 m + (1 - beta2) g
///   p = (1 - rate * weight_decay) p - rate * u
struct Lion {
  static constexpr std::string_view name = "Lion";
  static constexpr std::array<std::string_view, 1> states{"momentum"};
  double learning_rate = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;

  template <class Part> ARVIT_HOST_DEVICE ARVIT_INLINE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    const double rate = learning_rate * part.run().rate;
    const Entry new1 = Part::all(1 - beta1), new2 = Part::all(1 - beta2);
    const Entry keep = Part::all(1 - rate * weight_decay * part.run().decay);
    const Entry move = Part::all(-rate);
    part.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry g = e.gradient(), m = e.state(0);
      e.parameter(fma(move, sign(fma(new1, g - m, m)), keep * e.parameter()));
      e.state(0, fma(new2, g - m, m));
    });
  }
};

}  // namespace arvit
