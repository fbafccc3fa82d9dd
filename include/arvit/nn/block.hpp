// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/attention.hpp"
#include "arvit/nn/layer_norm.hpp"
#include "arvit/nn/linear.hpp"
#include "arvit/nn/mlp.hpp"

namespace arvit {

/// Factors on the two residual branches of a block, one per row (drop path); empty means 1.
template <class D> struct BranchScales { RowScale<D> attention, mlp; };

/// The parameters of one pre-norm transformer block, and the half of it that every block shares:
/// with a = attention's output,
///   m = x + proj(a)      y = m + mlp(norm2(m)).
/// Self-attention is in encoder_block.hpp, reading other tokens in cross_block.hpp. Names as in
/// timm.
///
/// `SeparateQkv` changes the start only: q, k and v begin as three matrices would (SAIM; decoder of
/// SemAIM), not as one fused matrix. `Turns`: queries and keys are turned (positions/rotary.hpp).
template <int Dim, int Heads, int MlpRatio, bool SeparateQkv, class Epsilon = DefaultEpsilon,
          bool Turns = false>
struct Block {
  static_assert(
      Heads > 0 && Dim % Heads == 0,
      "Block<Dim, Heads, ...>: Heads must divide Dim; choose a number of heads that does.");
  static constexpr int dim = Dim, heads = Heads, hidden = Dim * MlpRatio;
  static constexpr bool turns = Turns;
  using Norm = LayerNorm<Dim, Epsilon>;
  using Attention = arvit::Attention<Dim, Heads>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Projection = Linear<Dim, Dim>;
  using Feed = Mlp<Dim, hidden, Dim>;

  template <class C> struct Parameters {
    typename Norm::template Parameters<C> norm1;
    typename Qkv::template Parameters<C> qkv;
    typename Projection::template Parameters<C> projection;
    typename Norm::template Parameters<C> norm2;
    typename Feed::template Parameters<C> mlp;
    constexpr explicit Parameters(C& at)
        : norm1(at.in("norm1.")),
          qkv(at.in("attn.qkv."), SeparateQkv ? Dim : 0),
          projection(at.in("attn.proj.")),
          norm2(at.in("norm2.")),
          mlp(at.in("mlp.")) {}
  };

  /// What the second half keeps for its backward: 6 Dim + hidden numbers a row.
  template <class D> struct Tail {
    typename Attention::template Saved<D> attention;
    Tokens<D, Dim> middle;  // the residual stream after it
    typename Norm::template Moments<D> moments2;
    Tokens<D, hidden> mlp_hidden;
    Tail() = default;
    Tail(const Context<D>& c, std::int64_t rows)
        : attention(c, rows),
          middle(take_tokens<Dim>(c, rows)),
          moments2(take_statistics<2>(c, rows)),
          mlp_hidden(take_tokens<hidden>(c, rows)) {}
  };
  /// The block's input as the residual stream, and the factors on what is added to it.
  template <class D> struct Skip {
    ConstTokens<D, Dim> x;
    BranchScales<D> scales;
  };

  /// From attention's output (in `tail.attention`) to the block's output: m = x + proj(attended),
  /// y = m + mlp(norm2(m)). y may be x.
  template <Device D>
  static void finish(const Context<D>& c, const Parameters<Reading<D>>& p, const Skip<D>& skip,
                     Tail<D>& tail, Tokens<D, Dim> y) {
    const ArenaScope scope(c.arena);
    const auto normed = to_mlp(c, p, skip, tail);
    Feed::forward_residual(c, p.mlp, normed, {tail.middle, skip.scales.mlp}, {tail.mlp_hidden, y});
  }
  /// What `finish` keeps, once more: all of it but the mlp's second product, which no backward
  /// reads.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Skip<D>& skip,
                    Tail<D>& tail) {
    const ArenaScope scope(c.arena);
    const auto normed = to_mlp(c, p, skip, tail);
    Feed::Fc1::forward(c, p.mlp.fc1, normed, tail.mlp_hidden);
  }

  /// Gradients of the second half. dx enters as that of y and leaves as that of x along the skip
  /// connections; dattended is assigned.
  template <class D> struct TailGradient { Tokens<D, Dim> dx, dattended; };
  /// dm = dy + norm2'(mlp'(dy))      dattended = proj'(dm)
  template <Device D>
  static void finish_backward(const Context<D>& c, const Learned<Block, D>& w,
                              BranchScales<D> scales, const Tail<D>& tail,
                              const TailGradient<D>& gradient) {
    const auto& [p, g] = w;
    const auto dx = gradient.dx, dattended = gradient.dattended;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<Dim>(c, dx.rows());
    const auto dbranch = dattended;  // free until the projection's gradient is formed
    Norm::again(c, p.norm2, {tail.middle, tail.moments2}, normed);
    Feed::backward(c, {p.mlp, g.mlp}, {normed, tail.mlp_hidden}, scaled(c, scales.mlp, dx, dbranch),
                   dbranch);
    Norm::backward(c, {p.norm2, g.norm2}, {tail.middle, tail.moments2}, dbranch, {dx, Write::add});
    Projection::backward(c, {p.projection, g.projection}, tail.attention.out,
                         scaled(c, scales.attention, dx, normed), dattended);
  }

 private:
  /// m = x + proj(attended); returns norm2(m).
  template <class D>
  static Tokens<D, Dim> to_mlp(const Context<D>& c, const Parameters<Reading<D>>& p,
                               const Skip<D>& skip, Tail<D>& tail) {
    const auto normed = take_tokens<Dim>(c, skip.x.rows());
    c.run(ops::LinearResidual<D>{.x = tail.attention.out,
                                 .w = p.projection.weight,
                                 .bias = p.projection.bias,
                                 .residual = skip.x,
                                 .row_scale = skip.scales.attention,
                                 .y = tail.middle});
    Norm::forward(c, p.norm2, tail.middle, normed, tail.moments2);
    return normed;
  }
  template <class D>
  static ConstTokens<D, Dim> scaled(const Context<D>& c, RowScale<D> scale, Tokens<D, Dim> dy,
                                    Tokens<D, Dim> into) {
    if (scale.empty()) return dy;
    c.run(ops::ScaleRows<D>{.x = dy, .row_scale = scale, .y = into});
    return into;
  }
};

}  // namespace arvit
