// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

/// Layer norm (Ba, Kiros and Hinton 2016, Eq. 4): every row is standardised over its channels, with
/// the variance divided by the width. x, y, dx, dy [rows, width]   gamma, beta [width]
/// moments [rows, 2] = mean, rstd.
namespace arvit::ops {

namespace detail {
template <class X, class V, class Y, class M>
void check_norm(std::string_view name, const X& x, const V& gamma, std::int64_t beta, const Y& y,
                const M& moments) {
  extents_equal(name, x, y);
  rows_equal(name, x.rows(), moments.rows());
  columns_equal(name, x.columns(), gamma.size(), beta);
  columns_equal(name, 2, moments.columns());
}
}  // namespace detail

/// rstd = 1 / sqrt(variance(x) + epsilon);  y = gamma * (x - mean) * rstd + beta.
template <class P, class Space> struct LayerNormOn {
  static constexpr std::string_view name = "layer_norm";
  In<P, Space> x;
  Values<P, Space> gamma, beta;
  double epsilon;
  Out<P, Space> y;
  Statistics<P, Space> moments;
  void check() const { detail::check_norm(name, x, gamma, beta.size(), y, moments); }
  Cost cost() const { return detail::pass("layer norm", y, detail::bytes(x) + detail::bytes(y)); }
};

/// y once more, from saved moments.
template <class P, class Space> struct LayerNormAgainOn {
  static constexpr std::string_view name = "layer_norm_again";
  In<P, Space> x;
  Values<P, Space> gamma, beta;
  ConstStatistics<P, Space> moments;
  Out<P, Space> y;
  void check() const { detail::check_norm(name, x, gamma, beta.size(), y, moments); }
  Cost cost() const {
    return detail::pass("layer norm again", y, detail::bytes(x) + detail::bytes(y));
  }
};

/// With xhat = (x - mean) * rstd and g = gamma * dy:
///   dx (=, +=) rstd * (g - mean(g) - xhat * mean(g * xhat))
///   dgamma += the column sums of dy * xhat      dbeta += those of dy.
template <class P, class Space> struct LayerNormBackwardOn {
  static constexpr std::string_view name = "layer_norm_backward";
  In<P, Space> dy, x;
  Values<P, Space> gamma;
  ConstStatistics<P, Space> moments;
  Out<P, Space> dx;
  Write write = Write::assign;
  ValueGradient<P, Space> dgamma, dbeta;
  void check() const {
    detail::check_norm(name, x, gamma, dgamma.size(), dx, moments);
    detail::extents_equal(name, x, dy);
    detail::columns_equal(name, x.columns(), dbeta.size());
  }
  Cost cost() const {
    return detail::pass(
        "layer norm backward", dx,
        detail::bytes(dy) + detail::bytes(x) + (write == Write::add ? 2 : 1) * detail::bytes(dx));
  }
};

template <class D> using LayerNorm = LayerNormOn<typename D::Precision, typename D::Space>;
template <class D>
using LayerNormAgain = LayerNormAgainOn<typename D::Precision, typename D::Space>;
template <class D>
using LayerNormBackward = LayerNormBackwardOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
