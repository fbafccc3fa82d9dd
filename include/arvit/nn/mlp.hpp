// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/linear.hpp"

namespace arvit {

/// Two affine maps with an exact GELU between them: y = fc2(gelu(fc1(x))). Backward keeps fc1's
/// output; gelu of it is recomputed.
///
/// Shapes     x [rows, In]   hidden [rows, Hidden]   y [rows, Out]
template <int In, int Hidden, int Out> struct Mlp {
  using Fc1 = Linear<In, Hidden>;
  using Fc2 = Linear<Hidden, Out>;

  template <class C> struct Parameters {
    typename Fc1::template Parameters<C> fc1;
    typename Fc2::template Parameters<C> fc2;
    constexpr explicit Parameters(C& at) : fc1(at.in("fc1.")), fc2(at.in("fc2.")) {}
  };

  /// What a forward assigns: fc1's output before the GELU, which backward reads, and y.
  template <class D> struct Result {
    Tokens<D, Hidden> hidden;
    Tokens<D, Out> y;
  };
  /// y = residual + row_scale * mlp(x).
  template <class D> struct Skip {
    ConstTokens<D, Out> residual;
    RowScale<D> row_scale;
  };
  /// What a backward reads. `hidden` is used up.
  template <class D> struct Seen {
    ConstTokens<D, In> x;
    Tokens<D, Hidden> hidden;
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, ConstTokens<D, In> x,
                      const Result<D>& result) {
    const ArenaScope scope(c.arena);
    const auto active = to_active(c, p, x, result.hidden);
    Fc2::forward(c, p.fc2, active, result.y);
  }
  template <Device D>
  static void forward_residual(const Context<D>& c, const Parameters<Reading<D>>& p,
                               ConstTokens<D, In> x, const Skip<D>& skip, const Result<D>& result) {
    const ArenaScope scope(c.arena);
    const auto active = to_active(c, p, x, result.hidden);
    c.run(ops::LinearResidual<D>{.x = active,
                                 .w = p.fc2.weight,
                                 .bias = p.fc2.bias,
                                 .residual = skip.residual,
                                 .row_scale = skip.row_scale,
                                 .y = result.y});
  }
  /// dhidden = (dy W2) * gelu'(hidden)   dW2 += dy^T gelu(hidden)   dW1 += dhidden^T x   dx =
  /// dhidden W1
  template <Device D>
  static void backward(const Context<D>& c, const Learned<Mlp, D>& w, const Seen<D>& seen,
                       ConstTokens<D, Out> dy, Tokens<D, In> dx) {
    const ArenaScope scope(c.arena);
    const auto dhidden = take_tokens<Hidden>(c, seen.x.rows());
    const auto active = seen.hidden;
    c.run(ops::LinearBackwardGelu<D>{
        .dy = dy, .w = w.weights.fc2.weight, .pre = seen.hidden, .active = active, .dx = dhidden});
    Fc2::backward_weight(c, active, dy, w.gradient.fc2);
    Fc1::backward(c, {w.weights.fc1, w.gradient.fc1}, seen.x, dhidden, dx);
  }

 private:
  template <class D>
  static Tokens<D, Hidden> to_active(const Context<D>& c, const Parameters<Reading<D>>& p,
                                     ConstTokens<D, In> x, Tokens<D, Hidden> hidden) {
    const auto active = take_tokens<Hidden>(c, x.rows());
    c.run(ops::LinearGelu<D>{
        .x = x, .w = p.fc1.weight, .bias = p.fc1.bias, .pre = hidden, .y = active});
    return active;
  }
};

}  // namespace arvit
