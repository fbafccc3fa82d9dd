// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

#include "arvit/core/host_device.hpp"

namespace arvit {

/// LARS (You, Gitman and Ginsburg 2017), as MAE's linear probe has it (He et al. 2022, appendix
/// A.2). For every tensor of two or more dimensions
///   u = g + weight_decay * p      r = trust |p| / |u|, or 1 where a norm is zero
/// and for the others u = g, r = 1; then
///   v = momentum * v + r u        p -= rate * v
struct LARS {
  static constexpr std::string_view name = "LARS";
  static constexpr std::array<std::string_view, 1> states{"velocity"};
  static constexpr bool needs_norms = true;
  double learning_rate = 0.1, momentum = 0.9, weight_decay = 0, trust = 0.001;

  template <class Part> ARVIT_HOST_DEVICE ARVIT_INLINE void apply(const Part& part) const {
    using Entry = typename Part::Entry;
    const bool adapted = part.run().dimensions > 1;
    const bool scaled = adapted && part.norm(0) > 0 && part.norm(1) > 0;
    const Entry decay = Part::all(adapted ? weight_decay * part.run().decay : 0);
    const Entry ratio = Part::all(scaled ? trust * part.norm(0) / part.norm(1) : 1);
    const Entry keep = Part::all(momentum), move = Part::all(-learning_rate * part.run().rate);
    part.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry p = e.parameter();
      const Entry v = fma(keep, e.state(0), ratio * fma(decay, p, e.gradient()));
      e.state(0, v);
      e.parameter(fma(move, v, p));
    });
  }
};

}  // namespace arvit
