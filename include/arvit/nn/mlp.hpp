// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/nn/linear.hpp"

namespace arvit {

/// Two affine maps with an exact GELU between them: y = fc2(gelu(fc1(x))). Backward keeps fc1's
/// output; gelu of it is recomputed, together with its slope, which takes its place.
///
/// Shapes     x [rows, In]   hidden [rows, Hidden]   y [rows, Out]
template <int In, int Hidden, int Out> struct Mlp {
  using Fc1 = Linear<In, Hidden>;
  using Fc2 = Linear<Hidden, Out>;
  static constexpr std::int64_t parameter_count = Fc1::parameter_count + Fc2::parameter_count;
  static constexpr auto tensors() {
    return join(prefixed("fc1.", Fc1::tensors()), prefixed("fc2.", Fc2::tensors()));
  }

  template <class C> struct Parameters {
    typename Fc1::template Parameters<C> fc1;
    typename Fc2::template Parameters<C> fc2;
    constexpr explicit Parameters(C& at) : fc1(at), fc2(at) {}
  };

  /// Saves `hidden`, fc1's output before the GELU.
  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                      ConstTokens<D, In> x, Tokens<D, Hidden> hidden, Tokens<D, Out> y) {
    const ArenaScope scope(scratch);
    const auto active = scratch.rows<Activation<D>, Hidden, SpaceOf<D>>(x.rows());
    device.linear_gelu(x, p.fc1.weight, p.fc1.bias, hidden, active);
    device.linear(active, p.fc2.weight, p.fc2.bias, y);
  }
  /// y = residual + row_scale * mlp(x); an empty row_scale means 1.
  template <Device D>
  static void forward_residual(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                               ConstTokens<D, In> x, ConstTokens<D, Out> residual,
                               Span<const Statistic<D>, SpaceOf<D>> row_scale,
                               Tokens<D, Hidden> hidden, Tokens<D, Out> y) {
    const ArenaScope scope(scratch);
    const auto active = scratch.rows<Activation<D>, Hidden, SpaceOf<D>>(x.rows());
    device.linear_gelu(x, p.fc1.weight, p.fc1.bias, hidden, active);
    device.linear_residual(active, p.fc2.weight, p.fc2.bias, residual, row_scale, y);
  }
  /// `hidden` is used up.
  template <Device D>
  static void backward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                       ConstTokens<D, In> x, Tokens<D, Hidden> hidden, ConstTokens<D, Out> dy,
                       Tokens<D, In> dx, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto wide = scratch.rows<Activation<D>, Hidden, SpaceOf<D>>(
        x.rows());  // gelu(hidden), then the gradient of hidden
    device.gelu(hidden, wide, hidden);
    device.linear_backward_weight(dy, wide, gradient.fc2.weight, gradient.fc2.bias);
    device.linear_backward_scaled(dy, p.fc2.weight, hidden, wide);
    device.linear_backward_weight(wide, x, gradient.fc1.weight, gradient.fc1.bias);
    device.linear_backward_input(wide, p.fc1.weight, dx, Write::assign);
  }
};

}  // namespace arvit
