// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// Cross-entropy of the classes that a prediction gives a score each: -log softmax(p)[class], with
/// gradient softmax(p), less 1 at the class. A class below 0 has no loss; one that does not exist
/// has no number.
struct CrossEntropy {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "cross_entropy";
  static constexpr bool names_class = true, mean_over_rows = true;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    const double target = row.class_target();
    const bool none = target < 0;
    if (none || !(target < static_cast<double>(row.width()))) {
      row.each([&](const auto& e) ARVIT_INLINE_LAMBDA { e.gradient(Entry{}); });
      return none ? 0 : std::numeric_limits<double>::quiet_NaN();
    }
    const auto code = static_cast<std::int64_t>(target);
    const double top = row.largest();
    const Entry offset = Row::all(-top);
    Entry sum = {};
    row.each([&](const auto& e)
                 ARVIT_INLINE_LAMBDA { sum = sum + e.only(exp(e.prediction() + offset)); });
    const double total = row.total(sum);
    const Entry factor = Row::all(scale / total);
    row.each([&](const auto& e)
                 ARVIT_INLINE_LAMBDA { e.gradient(factor * exp(e.prediction() + offset)); });
    row.gradient(code, row.gradient(code) - scale);
    return std::log(total) + top - row.prediction(code);
  }
};

}  // namespace arvit
