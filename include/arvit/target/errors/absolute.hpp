// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// Mean absolute error: |p - t|, with the sign of p - t as its gradient; 0 at 0.
struct L1 {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "absolute_error";
  static constexpr bool names_class = false, mean_over_rows = false;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    Entry sum = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry difference = e.prediction() - e.target();
      sum = sum + abs(difference);
      e.gradient(Row::all(scale) * sign(difference));
    });
    return row.total(sum);
  }
};

}  // namespace arvit
