// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/layout.hpp"
#include "arvit/nn/context.hpp"

namespace arvit {

/// Affine map of every token: y = x W^T + b. Parameter names as in timm: "weight", "bias".
///
/// Shapes     x, dx [rows, In]   y, dy [rows, Out]   W [Out, In]   b [Out]; rows = packed tokens of
///            the batch.
/// Gradients  dx is assigned and may be x; dW and db are added to, so that micro-batches accumulate
///            in one zeroed buffer.
/// Errors     a wrong width does not compile; row counts that differ throw ShapeError.
template <int In, int Out> struct Linear {
  static_assert(In > 0 && Out > 0,
                "Linear<In, Out>: In and Out count channels; both must be positive.");

  template <class C> struct Parameters {
    typename C::template MatrixView<In> weight;  // [Out, In]
    typename C::template BiasView<Out> bias;
    /// `fan_out` 0 means Out; a fused projection that starts as separate ones passes the width of
    /// one.
    constexpr explicit Parameters(C& at, double fan_out = 0)
        : Parameters(at, {"weight", {Init::xavier_uniform, fan_out}}, {"bias"}) {}
    constexpr Parameters(C& at, const Described& weight, const Described& bias)
        : weight(at.template matrix<Out, In>(weight)), bias(at.template bias<Out>(bias)) {}
    constexpr Parameters(typename C::template MatrixView<In> weight,
                         typename C::template BiasView<Out> bias)
        : weight(weight), bias(bias) {}
    /// The map to channels Begin..End of y alone.
    template <int Begin, int End> constexpr auto part() const {
      return typename Linear<In, End - Begin>::template Parameters<C>(
          weight.slice(Begin, End), bias.template part<Begin, End>());
    }
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, ConstTokens<D, In> x,
                      Tokens<D, Out> y) {
    c.run(ops::Linear<D>{.x = x, .w = p.weight, .bias = p.bias, .y = y});
  }

  /// dW += dy^T x      db += the column sums of dy      dx = dy W
  template <Device D>
  static void backward(const Context<D>& c, const Learned<Linear, D>& w, ConstTokens<D, In> x,
                       ConstTokens<D, Out> dy, Tokens<D, In> dx) {
    backward_weight(c, x, dy, w.gradient);
    c.run(ops::LinearBackwardInput<D>{.dy = dy, .w = w.weights.weight, .dx = dx});
  }
  /// ... without dx.
  template <Device D>
  static void backward_weight(const Context<D>& c, ConstTokens<D, In> x, ConstTokens<D, Out> dy,
                              const Parameters<Adding<D>>& gradient) {
    c.run(ops::LinearBackwardWeight<D>{
        .dy = dy, .x = x, .dw = gradient.weight, .dbias = gradient.bias});
  }
};

}  // namespace arvit
