// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ratio>

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// Smooth absolute error with a threshold b (Girshick 2015, Eq. 3, where b is 1; b is varied in
/// data2vec, Baevski et al. 2022). With d = p - t:
///   d^2 / 2b where |d| < b, else |d| - b / 2      gradient d / b where |d| < b, else sign(d)
template <class Threshold = std::ratio<1>> struct SmoothL1 {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "smooth_absolute_error";
  static constexpr bool names_class = false, mean_over_rows = false;
  static constexpr bool well_formed = Threshold::num > 0;  ///< what Target asserts

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    constexpr double threshold = static_cast<double>(Threshold::num) /
                                 static_cast<double>(Threshold::den);
    const Entry half = Row::all(0.5);
    Entry sum = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry d = e.prediction() - e.target();
      const Entry beyond = half + half * sign(abs(d) - Row::all(threshold));  // 0, or 1; 1/2 at b
      const Entry slope = (Row::all(1) - beyond) * d * Row::all(1 / threshold) + beyond * sign(d);
      sum = sum + slope * (d - half * Row::all(threshold) * slope);
      e.gradient(Row::all(scale) * slope);
    });
    return row.total(sum);
  }
};

}  // namespace arvit
