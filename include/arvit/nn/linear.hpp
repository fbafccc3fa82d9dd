// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/layout.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

/// Affine map of every token: y = x W^T + b. Parameter names as in timm: "weight", "bias".
///
/// Shapes     x, dx [rows, In]   y, dy [rows, Out]   W [Out, In]   b [Out]; rows = packed tokens of
/// the batch. Gradients  dx is assigned; dW and db are added to, so that micro-batches accumulate
/// in one zeroed buffer. Errors     a wrong width does not compile; row counts that differ throw
/// ShapeError.
template <int In, int Out> struct Linear {
  static_assert(In > 0 && Out > 0,
                "Linear<In, Out>: In and Out count channels; both must be positive.");
  static constexpr std::int64_t parameter_count = std::int64_t{Out} * In + Out;
  /// `fan_out` 0 means Out; a fused projection that starts as separate ones passes the width of
  /// one.
  static constexpr Tensors<2> tensors(double fan_out = 0) {
    return {Tensor{"weight", {Out, In}, {Init::xavier_uniform, fan_out}, true},
            Tensor{"bias", {Out}, {Init::zeros}, false}};
  }

  template <class C> struct Parameters {
    typename C::template MatrixView<In> weight;  // [Out, In]
    typename C::template VectorView<Out> bias;
    constexpr explicit Parameters(C& at)
        : weight(at.template matrix<Out, In>()), bias(at.template vector<Out>()) {}
  };

  template <Device D>
  static void forward(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, In> x,
                      Tokens<D, Out> y) {
    device.linear(x, p.weight, p.bias, y);
  }

  template <Device D>
  static void backward(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, In> x,
                       ConstTokens<D, Out> dy, Tokens<D, In> dx,
                       const Parameters<Adding<D>>& gradient) {
    device.linear_backward_input(dy, p.weight, dx, Write::assign);
    device.linear_backward_weight(dy, x, gradient.weight, gradient.bias);
  }
};

}  // namespace arvit
