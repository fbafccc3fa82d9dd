// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// Mean squared error: (p - t)^2, with gradient 2 (p - t).
struct L2 {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "squared_error";
  static constexpr bool names_class = false, mean_over_rows = false;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    Entry sum = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry difference = e.prediction() - e.target();
      sum = sum + difference * difference;
      e.gradient(Row::all(2 * scale) * difference);
    });
    return row.total(sum);
  }
};

}  // namespace arvit
