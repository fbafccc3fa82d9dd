// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// Half the squared difference up to 1, the difference less a half beyond (Huber), with a
/// gradient that is the difference, cut at 1. Any device runs it; none knows it.
struct Huber {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "huber";
  static constexpr bool names_class = false, mean_over_rows = false;
  template <class Row> ARVIT_HOST_DEVICE static double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    const Entry half = Row::all(0.5), one = Row::all(1);
    Entry sum = {};
    row.each([&](const auto& e) {
      const Entry d = e.prediction() - e.target();
      const Entry cut = half * (abs(d + one) - abs(d - one));  // -1 .. 1
      sum = sum + cut * (d - half * cut);
      e.gradient(Row::all(scale) * cut);
    });
    return row.total(sum);
  }
};

}  // namespace arvit
