// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// Lion (Chen et al. 2023): the sign of a gradient mixed with what came before it.
///   u = sign(beta1 m + (1 - beta1) g)      m = beta2 m + (1 - beta2) g      p -= rate * u
struct Lion {
  static constexpr std::string_view name = "Lion";
  static constexpr std::array<std::string_view, 1> states{"momentum"};
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.99;
  template <class Part> ARVIT_HOST_DEVICE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    const Entry old1 = Part::all(beta1), new1 = Part::all(1 - beta1);
    const Entry old2 = Part::all(beta2), new2 = Part::all(1 - beta2);
    const Entry move = Part::all(-learning_rate * part.run().rate);
    part.each([&](const auto& e) {
      const Entry g = e.gradient(), m = e.state(0);
      e.parameter(e.parameter() + move * sign(old1 * m + new1 * g));
      e.state(0, old2 * m + new2 * g);
    });
  }
};

}  // namespace arvit
