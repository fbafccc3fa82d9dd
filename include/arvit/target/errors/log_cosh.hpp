// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <numbers>

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// log cosh of the difference d = p - t: d^2 / 2 near 0, |d| - log 2 far from it. With
/// z = exp(-2 |d|), which does not overflow,
///   log cosh d = |d| + log(1 + z) - log 2      gradient tanh d = sign(d) (1 - z) / (1 + z)
struct LogCosh {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "log_cosh_error";
  static constexpr bool names_class = false, mean_over_rows = false;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    const Entry one = Row::all(1);
    Entry sum = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry d = e.prediction() - e.target();
      const Entry z = exp(Row::all(-2) * abs(d));
      sum = sum + e.only(abs(d) + log(one + z) - Row::all(std::numbers::ln2));
      e.gradient(Row::all(scale) * sign(d) * (one - z) / (one + z));
    });
    return row.total(sum);
  }
};

}  // namespace arvit
