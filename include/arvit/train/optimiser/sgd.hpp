// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// Stochastic gradient descent with momentum (Polyak 1964), or Nesterov's (Sutskever et al. 2013),
/// in PyTorch's form:
///   u = g + weight_decay * p      v = momentum * v + u
///   p -= rate * v, or with nesterov rate * (u + momentum * v)
struct SGD {
  static constexpr std::string_view name = "SGD";
  static constexpr std::array<std::string_view, 1> states{"velocity"};
  double learning_rate = 0.1, momentum = 0.9, weight_decay = 0;
  bool nesterov = false;

  template <class Part> ARVIT_HOST_DEVICE ARVIT_INLINE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    const Entry decay = Part::all(weight_decay * part.run().decay), keep = Part::all(momentum);
    const Entry move = Part::all(-learning_rate * part.run().rate);
    const bool ahead = nesterov;
    part.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry p = e.parameter();
      const Entry u = fma(decay, p, e.gradient());
      const Entry v = fma(keep, e.state(0), u);
      e.state(0, v);
      e.parameter(fma(move, ahead ? fma(keep, v, u) : v, p));
    });
  }
};

}  // namespace arvit
