// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/nn/layer_norm.hpp"
#include "arvit/nn/linear.hpp"
#include "arvit/nn/mlp.hpp"

namespace arvit {

/// Attention of one call: who reads which prefix. Segments and limits come from the rank engine.
template <class Space> struct Reach {
  Span<const Segment, Space> segments;
  Span<const std::int32_t, Space> limit;
};

/// Factors on the two residual branches of a block, one per row (drop path); empty means 1.
template <class D> struct BranchScales { Span<const Statistic<D>, SpaceOf<D>> attention, mlp; };

/// The parameters of one pre-norm transformer block, and the half of it that every block shares:
/// with a = attention's output,
///   m = x + proj(a)      y = m + mlp(norm2(m)).
/// Self-attention is in encoder_block.hpp, reading other tokens in cross_block.hpp. Names as in
/// timm.
///
/// `SeparateQkv` changes the start only: q, k and v begin as three matrices would (SAIM; decoder of
/// SemAIM), not as one fused matrix.
template <int Dim, int Heads, int MlpRatio, bool SeparateQkv> struct Block {
  static_assert(
      Heads > 0 && Dim % Heads == 0,
      "Block<Dim, Heads, ...>: Heads must divide Dim; choose a number of heads that does.");
  static constexpr int dim = Dim, heads = Heads, hidden = Dim * MlpRatio;
  using Norm = LayerNorm<Dim>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Projection = Linear<Dim, Dim>;
  using Feed = Mlp<Dim, hidden, Dim>;

  static constexpr std::int64_t parameter_count = 2 * Norm::parameter_count + Qkv::parameter_count +
                                                  Projection::parameter_count +
                                                  Feed::parameter_count;
  static constexpr auto tensors() {
    return join(prefixed("norm1.", Norm::tensors()),
                prefixed("attn.qkv.", Qkv::tensors(SeparateQkv ? Dim : 0)),
                prefixed("attn.proj.", Projection::tensors()), prefixed("norm2.", Norm::tensors()),
                prefixed("mlp.", Feed::tensors()));
  }

  template <class C> struct Parameters {
    typename Norm::template Parameters<C> norm1;
    typename Qkv::template Parameters<C> qkv;
    typename Projection::template Parameters<C> projection;
    typename Norm::template Parameters<C> norm2;
    typename Feed::template Parameters<C> mlp;
    constexpr explicit Parameters(C& at) : norm1(at), qkv(at), projection(at), norm2(at), mlp(at) {}
  };

  /// What the second half keeps for its backward: 6 Dim + hidden numbers a row.
  template <class D> struct Tail {
    Tokens<D, Dim> attended, middle;  // attention's output; the residual stream after it
    Rows<Statistic<D>, Heads, SpaceOf<D>> lse;
    typename Norm::template Moments<D> moments2;
    Tokens<D, hidden> mlp_hidden;
    Tail() = default;
    Tail(Arena& arena, std::int64_t rows)
        : attended(arena.rows<Activation<D>, Dim, SpaceOf<D>>(rows)),
          middle(arena.rows<Activation<D>, Dim, SpaceOf<D>>(rows)),
          lse(arena.rows<Statistic<D>, Heads, SpaceOf<D>>(rows)),
          moments2(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          mlp_hidden(arena.rows<Activation<D>, hidden, SpaceOf<D>>(rows)) {}
  };

  /// From attention's output (in `tail.attended`) to the block's output. y may be x.
  template <Device D>
  static void finish(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                     ConstTokens<D, Dim> x, BranchScales<D> scales, Tail<D>& tail,
                     Tokens<D, Dim> y) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    to_mlp(device, p, x, scales, tail, normed);
    Feed::template forward_residual<D>(device, scratch, p.mlp, normed, tail.middle, scales.mlp,
                                       tail.mlp_hidden, y);
  }
  /// What `finish` keeps, once more: all of it but the mlp's second product, which no backward
  /// reads.
  template <Device D>
  static void again(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                    ConstTokens<D, Dim> x, BranchScales<D> scales, Tail<D>& tail) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    to_mlp(device, p, x, scales, tail, normed);
    Feed::Fc1::forward(device, p.mlp.fc1, normed, tail.mlp_hidden);
  }

  /// dx enters as the gradient of y and leaves as that of x along the skip connections; dattended
  /// is assigned.
  template <Device D>
  static void finish_backward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                              BranchScales<D> scales, const Tail<D>& tail, Tokens<D, Dim> dx,
                              Tokens<D, Dim> dattended, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(dx.rows());
    const auto dbranch = dattended;  // free until the projection's gradient is formed
    Norm::again(device, p.norm2, tail.middle, tail.moments2, normed);
    Feed::template backward<D>(device, scratch, p.mlp, normed, tail.mlp_hidden,
                               scaled(device, scales.mlp, dx, dbranch), dbranch, gradient.mlp);
    Norm::backward(device, p.norm2, tail.middle, tail.moments2, dbranch, dx, Write::add,
                   gradient.norm2);
    const ConstTokens<D, Dim> dprojected = scaled(device, scales.attention, dx, normed);
    device.linear_backward_weight(dprojected, tail.attended, gradient.projection.weight,
                                  gradient.projection.bias);
    device.linear_backward_input(dprojected, p.projection.weight, dattended, Write::assign);
  }

 private:
  template <class D>
  static void to_mlp(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                     BranchScales<D> scales, Tail<D>& tail, Tokens<D, Dim> normed) {
    device.linear_residual(tail.attended, p.projection.weight, p.projection.bias, x,
                           scales.attention, tail.middle);
    Norm::forward(device, p.norm2, tail.middle, normed, tail.moments2);
  }
  template <class D>
  static ConstTokens<D, Dim> scaled(D& device, Span<const Statistic<D>, SpaceOf<D>> scale,
                                    Tokens<D, Dim> dy, Tokens<D, Dim> into) {
    if (scale.empty()) return dy;
    device.scale_rows(dy, scale, into);
    return into;
  }
};

}  // namespace arvit
