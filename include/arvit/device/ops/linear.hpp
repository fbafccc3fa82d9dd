// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/cursor.hpp"
#include "arvit/device/ops/operation.hpp"

/// Products of tokens and weights. x, dx [rows, in]   y, dy [rows, out]   W [out, in].
namespace arvit::ops {

/// A bias [out]: the fp32 master, and the copy beside the weights in their type. Empty: none. A
/// device reads the one that its products want.
template <class P, class Space>
using Bias = BiasSpans<const typename P::Weight, const typename P::Statistic, Space>;

namespace detail {
template <class X, class W, class B, class Y>
void check_linear(std::string_view name, const X& x, const W& w, const B& bias, const Y& y) {
  rows_equal(name, x.rows(), y.rows());
  columns_equal(name, x.columns(), w.columns());
  columns_equal(name, y.columns(), w.rows(), bias.empty() ? w.rows() : bias.size());
}
}  // namespace detail

/// y = x W^T + bias.
template <class P, class Space> struct LinearOn {
  static constexpr std::string_view name = "linear";
  In<P, Space> x;
  Weights<P, Space> w;
  Bias<P, Space> bias = {};
  Out<P, Space> y;
  void check() const { detail::check_linear(name, x, w, bias, y); }
  Cost cost() const {
    return detail::product("linear", x.rows(), x.columns(), y.columns(),
                           detail::bytes(x) + detail::bytes(w) + detail::bytes(y));
  }
};

/// pre = x W^T + bias; y = gelu(pre), the exact one: pre Phi(pre), Phi the normal distribution
/// function (Hendrycks and Gimpel 2016). y may be pre.
template <class P, class Space> struct LinearGeluOn {
  static constexpr std::string_view name = "linear_gelu";
  In<P, Space> x;
  Weights<P, Space> w;
  Bias<P, Space> bias = {};
  Out<P, Space> pre, y;
  void check() const {
    detail::check_linear(name, x, w, bias, pre);
    detail::extents_equal(name, pre, y);
  }
  Cost cost() const {
    return detail::product(
        "linear, gelu", x.rows(), x.columns(), y.columns(),
        detail::bytes(x) + detail::bytes(w) + detail::bytes(pre) + detail::bytes(y));
  }
};

/// y = residual + row_scale[row] * (x W^T + bias). An empty row_scale is 1; y may be residual.
template <class P, class Space> struct LinearResidualOn {
  static constexpr std::string_view name = "linear_residual";
  In<P, Space> x;
  Weights<P, Space> w;
  Bias<P, Space> bias = {};
  In<P, Space> residual;
  Values<P, Space> row_scale = {};
  Out<P, Space> y;
  void check() const {
    detail::check_linear(name, x, w, bias, y);
    detail::extents_equal(name, y, residual);
    if (!row_scale.empty()) detail::rows_equal(name, y.rows(), row_scale.size());
  }
  Cost cost() const {
    return detail::product("linear, residual", x.rows(), x.columns(), y.columns(),
                           detail::bytes(x) + detail::bytes(w) + 2 * detail::bytes(y));
  }
};

/// dx (=, +=) dy W.
template <class P, class Space> struct LinearBackwardInputOn {
  static constexpr std::string_view name = "linear_backward_input";
  In<P, Space> dy;
  Weights<P, Space> w;
  Out<P, Space> dx;
  Write write = Write::assign;
  void check() const { detail::check_linear(name, dx, w, Values<P, Space>(), dy); }
  Cost cost() const {
    return detail::product(
        "gradient of input", dy.rows(), dy.columns(), dx.columns(),
        detail::bytes(dy) + detail::bytes(w) + (write == Write::add ? 2 : 1) * detail::bytes(dx));
  }
};

/// Behind y = gelu(pre) W^T: dx = (dy W) * gelu'(pre), entry by entry; and once more the product's
/// operand, active = gelu(pre). active may be pre; dx is neither.
template <class P, class Space> struct LinearBackwardGeluOn {
  static constexpr std::string_view name = "linear_backward_gelu";
  In<P, Space> dy;
  Weights<P, Space> w;
  In<P, Space> pre;
  Out<P, Space> active, dx;
  void check() const {
    detail::check_linear(name, dx, w, Values<P, Space>(), dy);
    detail::extents_equal(name, dx, pre, active);
  }
  Cost cost() const {
    return detail::product(
        "gradient of input, gelu", dy.rows(), dy.columns(), dx.columns(),
        detail::bytes(dy) + detail::bytes(w) + 2 * detail::bytes(pre) + detail::bytes(dx));
  }
};

/// dW += dy^T x; dbias += the column sums of dy. An empty dbias is none.
template <class P, class Space> struct LinearBackwardWeightOn {
  static constexpr std::string_view name = "linear_backward_weight";
  In<P, Space> dy, x;
  WeightGradient<P, Space> dw;
  ValueGradient<P, Space> dbias = {};
  void check() const {
    detail::rows_equal(name, dy.rows(), x.rows());
    detail::columns_equal(name, x.columns(), dw.columns());
    detail::columns_equal(name, dy.columns(), dw.rows(), dbias.empty() ? dw.rows() : dbias.size());
  }
  Cost cost() const {
    return detail::product("gradient of weight", dy.rows(), x.columns(), dy.columns(),
                           detail::bytes(dy) + detail::bytes(x) + 2 * detail::bytes(dw));
  }
};

template <class D> using BiasOf = Bias<typename D::Precision, typename D::Space>;
template <class D> using Linear = LinearOn<typename D::Precision, typename D::Space>;
template <class D> using LinearGelu = LinearGeluOn<typename D::Precision, typename D::Space>;
template <class D>
using LinearResidual = LinearResidualOn<typename D::Precision, typename D::Space>;
template <class D>
using LinearBackwardInput = LinearBackwardInputOn<typename D::Precision, typename D::Space>;
template <class D>
using LinearBackwardGelu = LinearBackwardGeluOn<typename D::Precision, typename D::Space>;
template <class D>
using LinearBackwardWeight = LinearBackwardWeightOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
