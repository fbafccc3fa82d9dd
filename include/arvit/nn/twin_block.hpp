// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"

namespace arvit {

/// A decoder layer of D-iGPT: queries x read each other, then the content h, then pass the MLP;
/// three pre-norm residual sublayers.
///   a = x + proj(attention of norm1(x))   b = a + cross.proj(attention of norm2(a) on norm_kv(h))   y = b + mlp(norm3(b))
///
/// Shapes     x, y [queries, Dim]   h [content, Dim]
template <int Dim, int Heads> struct TwinBlock {
  static_assert(
      Heads > 0 && Dim % Heads == 0,
      "TwinBlock<Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  using Norm = LayerNorm<Dim>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Projection = Linear<Dim, Dim>;
  using Feed = Mlp<Dim, 4 * Dim, Dim>;
  static constexpr std::int64_t parameter_count = 4 * Norm::parameter_count +
                                                  2 * (Qkv::parameter_count +
                                                       Projection::parameter_count) +
                                                  Feed::parameter_count;
  static constexpr auto tensors() {
    return join(prefixed("norm1.", Norm::tensors()), prefixed("attn.qkv.", Qkv::tensors()),
                prefixed("attn.proj.", Projection::tensors()), prefixed("norm2.", Norm::tensors()),
                prefixed("norm_kv.", Norm::tensors()), prefixed("cross.qkv.", Qkv::tensors(Dim)),
                prefixed("cross.proj.", Projection::tensors()), prefixed("norm3.", Norm::tensors()),
                prefixed("mlp.", Feed::tensors()));
  }
  template <class C> struct Parameters {
    typename Norm::template Parameters<C> norm1;
    typename Qkv::template Parameters<C> qkv;
    typename Projection::template Parameters<C> projection;
    typename Norm::template Parameters<C> norm2, norm_kv;
    typename Qkv::template Parameters<C> cross;
    typename Projection::template Parameters<C> cross_projection;
    typename Norm::template Parameters<C> norm3;
    typename Feed::template Parameters<C> mlp;
    constexpr explicit Parameters(C& at)
        : norm1(at),
          qkv(at),
          projection(at),
          norm2(at),
          norm_kv(at),
          cross(at),
          cross_projection(at),
          norm3(at),
          mlp(at) {}
  };

  /// What a backward reads: 12 Dim numbers a query and 2 Dim a row of content.
  template <class D> struct Saved {
    typename Norm::template Moments<D> moments1, moments2, moments_kv, moments3;
    Tokens<D, 3 * Dim> qkv;
    Tokens<D, 2 * Dim> kv;
    Tokens<D, Dim> q, attended, middle, crossed, last;
    Rows<Statistic<D>, Heads, SpaceOf<D>> lse, cross_lse;
    Tokens<D, 4 * Dim> hidden;
    Saved() = default;
    Saved(Arena& arena, std::int64_t queries, std::int64_t content) {
      for (auto* m : {&moments1, &moments2, &moments3})
        *m = arena.rows<Statistic<D>, 2, SpaceOf<D>>(queries);
      moments_kv = arena.rows<Statistic<D>, 2, SpaceOf<D>>(content);
      qkv = arena.rows<Activation<D>, 3 * Dim, SpaceOf<D>>(queries);
      kv = arena.rows<Activation<D>, 2 * Dim, SpaceOf<D>>(content);
      for (auto* t : {&q, &attended, &middle, &crossed, &last})
        *t = arena.rows<Activation<D>, Dim, SpaceOf<D>>(queries);
      for (auto* l : {&lse, &cross_lse}) *l = arena.rows<Statistic<D>, Heads, SpaceOf<D>>(queries);
      hidden = arena.rows<Activation<D>, 4 * Dim, SpaceOf<D>>(queries);
    }
  };

  /// `self`: which queries a query reads; `content`: which rows of h.
  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                      ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                      Reach<SpaceOf<D>> content, Saved<D>& s, Tokens<D, Dim> y) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    to_mlp(device, scratch, p, x, h, self, content, s, normed);
    Feed::template forward_residual<D>(device, scratch, p.mlp, normed, s.last, {}, s.hidden, y);
  }
  /// What `forward` keeps, once more: all of it but the mlp's second product, which no backward
  /// reads.
  template <Device D>
  static void again(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                    ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                    Reach<SpaceOf<D>> content, Saved<D>& s) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    to_mlp(device, scratch, p, x, h, self, content, s, normed);
    Feed::Fc1::forward(device, p.mlp.fc1, normed, s.hidden);
  }
  /// dx: gradient of y on entry, of x on return. dh is assigned.
  template <Device D>
  static void backward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                       ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                       Reach<SpaceOf<D>> content, const Saved<D>& s, Tokens<D, Dim> dx,
                       Tokens<D, Dim> dh, const Parameters<Adding<D>>& g) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto branch = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    Norm::again(device, p.norm3, s.last, s.moments3, normed);
    Feed::template backward<D>(device, scratch, p.mlp, normed, s.hidden, dx, branch, g.mlp);
    Norm::backward(device, p.norm3, s.last, s.moments3, branch, dx, Write::add, g.norm3);

    {
      const ArenaScope inner(scratch);
      const auto dq = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
      const auto normed_h = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(h.rows());
      const auto dkv = scratch.rows<Activation<D>, 2 * Dim, SpaceOf<D>>(h.rows());
      Projection::backward(device, p.cross_projection, s.crossed, dx, branch, g.cross_projection);
      device.attention_backward(branch, s.q, part<0>(s.kv), part<1>(s.kv), s.crossed, s.cross_lse,
                                Heads, content.segments, content.limit, dq, part<0>(dkv),
                                part<1>(dkv), Write::assign);
      Norm::again(device, p.norm2, s.middle, s.moments2, normed);
      device.linear_backward_weight(dq, normed, q_weight(g), q_bias(g));
      device.linear_backward_input(dq, q_weight(p), branch, Write::assign);
      Norm::backward(device, p.norm2, s.middle, s.moments2, branch, dx, Write::add, g.norm2);
      Norm::again(device, p.norm_kv, h, s.moments_kv, normed_h);
      device.linear_backward_weight(dkv, normed_h, kv_weight(g), kv_bias(g));
      device.linear_backward_input(dkv, kv_weight(p), normed_h, Write::assign);
      Norm::backward(device, p.norm_kv, h, s.moments_kv, normed_h, dh, Write::assign, g.norm_kv);
    }

    const auto dqkv = scratch.rows<Activation<D>, 3 * Dim, SpaceOf<D>>(x.rows());
    Projection::backward(device, p.projection, s.attended, dx, branch, g.projection);
    device.attention_backward(branch, part<0>(s.qkv), part<1>(s.qkv), part<2>(s.qkv), s.attended,
                              s.lse, Heads, self.segments, self.limit, part<0>(dqkv), part<1>(dqkv),
                              part<2>(dqkv), Write::assign);
    Norm::again(device, p.norm1, x, s.moments1, normed);
    Qkv::backward(device, p.qkv, normed, dqkv, branch, g.qkv);
    Norm::backward(device, p.norm1, x, s.moments1, branch, dx, Write::add, g.norm1);
  }

 private:
  template <class D>
  static void to_mlp(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                     ConstTokens<D, Dim> x, ConstTokens<D, Dim> h, Reach<SpaceOf<D>> self,
                     Reach<SpaceOf<D>> content, Saved<D>& s, Tokens<D, Dim> normed) {
    Norm::forward(device, p.norm1, x, normed, s.moments1);
    Qkv::forward(device, p.qkv, normed, s.qkv);
    device.attention(part<0>(s.qkv), part<1>(s.qkv), part<2>(s.qkv), Heads, self.segments,
                     self.limit, s.attended, s.lse);
    device.linear_residual(s.attended, p.projection.weight, p.projection.bias, x, {}, s.middle);
    Norm::forward(device, p.norm2, s.middle, normed, s.moments2);
    device.linear(normed, q_weight(p), q_bias(p), s.q);
    {
      const ArenaScope inner(scratch);
      const auto normed_h = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(h.rows());
      Norm::forward(device, p.norm_kv, h, normed_h, s.moments_kv);
      device.linear(normed_h, kv_weight(p), kv_bias(p), s.kv);
    }
    device.attention(s.q, part<0>(s.kv), part<1>(s.kv), Heads, content.segments, content.limit,
                     s.crossed, s.cross_lse);
    device.linear_residual(s.crossed, p.cross_projection.weight, p.cross_projection.bias, s.middle,
                           {}, s.last);
    Norm::forward(device, p.norm3, s.last, normed, s.moments3);
  }
  template <int Index> static constexpr auto part(auto rows) {
    return rows.template columns<Index * Dim, (Index + 1) * Dim>();
  }
  static constexpr auto q_weight(const auto& p) { return p.cross.weight.slice(0, Dim); }
  static constexpr auto q_bias(const auto& p) { return p.cross.bias.template part<0, Dim>(); }
  static constexpr auto kv_weight(const auto& p) { return p.cross.weight.slice(Dim, 3 * Dim); }
  static constexpr auto kv_bias(const auto& p) {
    return p.cross.bias.template part<Dim, 3 * Dim>();
  }
};

}  // namespace arvit
