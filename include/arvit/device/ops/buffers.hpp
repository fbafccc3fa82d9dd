// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

/// Passes over flat buffers of parameters.
namespace arvit::ops {

/// sum[0] += the sum of squares.
template <class P, class Space> struct SumOfSquaresOn {
  static constexpr std::string_view name = "sum_of_squares";
  Span<const typename P::Gradient, Space> values;
  Span<double, Space> sum;
  void check() const { detail::columns_equal(name, 1, sum.size()); }
  Cost cost() const {
    return {"norm of the gradient", 1, values.size(), 0, 0, detail::bytes(values)};
  }
};

/// weights = masters, in the type that products read.
template <class P, class Space> struct ConvertOn {
  static constexpr std::string_view name = "convert";
  Values<P, Space> masters;
  Span<typename P::Weight, Space> weights;
  void check() const { detail::columns_equal(name, masters.size(), weights.size()); }
  Cost cost() const {
    return {"convert", 1, masters.size(), 0, 0, detail::bytes(masters) + detail::bytes(weights)};
  }
};

template <class D> using SumOfSquares = SumOfSquaresOn<typename D::Precision, typename D::Space>;
template <class D> using Convert = ConvertOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
