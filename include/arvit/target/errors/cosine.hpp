// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>

#include "arvit/core/host_device.hpp"
#include "arvit/target/errors/error.hpp"

namespace arvit {

/// 2 - 2 cosine of prediction and target: the squared distance of unit vectors (D-iGPT; SemAIM's
/// released code). With c the cosine, its gradient is 2 (c p / |p|^2 - t / (|p| |t|)). A row of
/// zeros counts as orthogonal and gets none.
struct Cosine {
  using Category = ErrorCategory;
  static constexpr std::string_view name = "cosine_distance";
  static constexpr bool names_class = false, mean_over_rows = true;

  template <class Row>
  ARVIT_HOST_DEVICE static ARVIT_INLINE double of(const Row& row, double scale) {
    using Entry = typename Row::Entry;
    Entry dot = {}, pp = {}, tt = {};
    row.each([&](const auto& e) ARVIT_INLINE_LAMBDA {
      const Entry p = e.prediction(), t = e.target();
      dot = fma(p, t, dot);
      pp = fma(p, p, pp);
      tt = fma(t, t, tt);
    });
    const double squares = row.total(pp);
    const double product = std::sqrt(squares) * std::sqrt(row.total(tt));
    const double inverse = product == 0 ? 0 : 1 / product;
    const double cosine = row.total(dot) * inverse;  // a NaN stays one
    const Entry own = Row::all(product == 0 ? 0 : 2 * scale * cosine / squares);
    const Entry other = Row::all(-2 * scale * inverse);
    row.each([&](const auto& e)
                 ARVIT_INLINE_LAMBDA { e.gradient(fma(own, e.prediction(), other * e.target())); });
    return 2 - 2 * cosine;
  }
};

}  // namespace arvit
