// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"

namespace arvit {

/// A decoder layer of D-iGPT: queries x read each other, then the content h, then pass the MLP;
/// three pre-norm residual sublayers.
///   a = x + proj(attention of norm1(x))
///   b = a + cross.proj(attention of norm2(a) on norm_kv(h))
///   y = b + mlp(norm3(b))
///
/// Shapes     x, y [queries, Dim]   h [content, Dim]
template <int Dim, int Heads> struct TwinBlock {
  static_assert(
      Heads > 0 && Dim % Heads == 0,
      "TwinBlock<Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  using Norm = LayerNorm<Dim>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Query = Linear<Dim, Dim>;  ///< those rows of cross.qkv
  using KeysValues = Linear<Dim, 2 * Dim>;
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
    Saved(const Context<D>& c, std::int64_t queries, std::int64_t content) {
      for (auto* m : {&moments1, &moments2, &moments3}) *m = take_statistics<2>(c, queries);
      moments_kv = take_statistics<2>(c, content);
      qkv = take_tokens<3 * Dim>(c, queries);
      kv = take_tokens<2 * Dim>(c, content);
      for (auto* t : {&q, &attended, &middle, &crossed, &last}) *t = take_tokens<Dim>(c, queries);
      for (auto* l : {&lse, &cross_lse}) *l = take_statistics<Heads>(c, queries);
      hidden = take_tokens<4 * Dim>(c, queries);
    }
  };

  /// `self`: which queries a query reads; `content`: which rows of h.
  template <class D> struct Input {
    ConstTokens<D, Dim> x, h;
    Reach<SpaceOf<D>> self, content;
  };
  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                      Saved<D>& s, Tokens<D, Dim> y) {
    const ArenaScope scope(c.arena);
    const auto normed = to_mlp(c, p, in, s);
    Feed::forward_residual(c, p.mlp, normed, {s.last, {}}, {s.hidden, y});
  }
  /// What `forward` keeps, once more: all of it but the mlp's second product, which no backward
  /// reads.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& s) {
    const ArenaScope scope(c.arena);
    const auto normed = to_mlp(c, p, in, s);
    Feed::Fc1::forward(c, p.mlp.fc1, normed, s.hidden);
  }
  /// dx: gradient of y on entry, of x on return. dh is assigned.
  template <class D> struct Gradients { Tokens<D, Dim> dx, dh; };
  /// db = dy + norm3'(mlp'(dy))      da = db + norm2'(dq Wq), dh = norm_kv'(dkv Wkv) with dq, dkv
  /// of the attention on h      dx = da + norm1'(dqkv Wqkv) with dqkv of that of the queries
  template <Device D>
  static void backward(const Context<D>& c, const Learned<TwinBlock, D>& w, const Input<D>& in,
                       const Saved<D>& s, const Gradients<D>& d) {
    const auto& [p, g] = w;
    const auto dx = d.dx;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<Dim>(c, in.x.rows());
    const auto branch = take_tokens<Dim>(c, in.x.rows());
    Norm::again(c, p.norm3, {s.last, s.moments3}, normed);
    Feed::backward(c, {p.mlp, g.mlp}, {normed, s.hidden}, dx, branch);
    Norm::backward(c, {p.norm3, g.norm3}, {s.last, s.moments3}, branch, {dx, Write::add});

    {
      const ArenaScope inner(c.arena);
      const auto dq = take_tokens<Dim>(c, in.x.rows());
      const auto normed_h = take_tokens<Dim>(c, in.h.rows());
      const auto dkv = take_tokens<2 * Dim>(c, in.h.rows());
      Projection::backward(c, {p.cross_projection, g.cross_projection}, s.crossed, dx, branch);
      c.run(ops::AttentionBackward<D>{.dout = branch,
                                      .q = s.q,
                                      .k = part<0>(s.kv),
                                      .v = part<1>(s.kv),
                                      .out = s.crossed,
                                      .lse = s.cross_lse,
                                      .heads = Heads,
                                      .reach = in.content,
                                      .dq = dq,
                                      .dk = part<0>(dkv),
                                      .dv = part<1>(dkv)});
      Norm::again(c, p.norm2, {s.middle, s.moments2}, normed);
      Query::backward(c, {query(p), query(g)}, normed, dq, branch);
      Norm::backward(c, {p.norm2, g.norm2}, {s.middle, s.moments2}, branch, {dx, Write::add});
      Norm::again(c, p.norm_kv, {in.h, s.moments_kv}, normed_h);
      KeysValues::backward(c, {keys_values(p), keys_values(g)}, normed_h, dkv, normed_h);
      Norm::backward(c, {p.norm_kv, g.norm_kv}, {in.h, s.moments_kv}, normed_h, {d.dh});
    }

    const auto dqkv = take_tokens<3 * Dim>(c, in.x.rows());
    Projection::backward(c, {p.projection, g.projection}, s.attended, dx, branch);
    c.run(ops::AttentionBackward<D>{.dout = branch,
                                    .q = part<0>(s.qkv),
                                    .k = part<1>(s.qkv),
                                    .v = part<2>(s.qkv),
                                    .out = s.attended,
                                    .lse = s.lse,
                                    .heads = Heads,
                                    .reach = in.self,
                                    .dq = part<0>(dqkv),
                                    .dk = part<1>(dqkv),
                                    .dv = part<2>(dqkv)});
    Norm::again(c, p.norm1, {in.x, s.moments1}, normed);
    Qkv::backward(c, {p.qkv, g.qkv}, normed, dqkv, branch);
    Norm::backward(c, {p.norm1, g.norm1}, {in.x, s.moments1}, branch, {dx, Write::add});
  }

 private:
  /// Both attentions; returns norm3(b).
  template <class D>
  static Tokens<D, Dim> to_mlp(const Context<D>& c, const Parameters<Reading<D>>& p,
                               const Input<D>& in, Saved<D>& s) {
    const auto normed = take_tokens<Dim>(c, in.x.rows());
    Norm::forward(c, p.norm1, in.x, normed, s.moments1);
    Qkv::forward(c, p.qkv, normed, s.qkv);
    c.run(ops::Attention<D>{.q = part<0>(s.qkv),
                            .k = part<1>(s.qkv),
                            .v = part<2>(s.qkv),
                            .heads = Heads,
                            .reach = in.self,
                            .out = s.attended,
                            .lse = s.lse});
    c.run(ops::LinearResidual<D>{.x = s.attended,
                                 .w = p.projection.weight,
                                 .bias = p.projection.bias,
                                 .residual = in.x,
                                 .y = s.middle});
    Norm::forward(c, p.norm2, s.middle, normed, s.moments2);
    Query::forward(c, query(p), normed, s.q);
    {
      const ArenaScope inner(c.arena);
      const auto normed_h = take_tokens<Dim>(c, in.h.rows());
      Norm::forward(c, p.norm_kv, in.h, normed_h, s.moments_kv);
      KeysValues::forward(c, keys_values(p), normed_h, s.kv);
    }
    c.run(ops::Attention<D>{.q = s.q,
                            .k = part<0>(s.kv),
                            .v = part<1>(s.kv),
                            .heads = Heads,
                            .reach = in.content,
                            .out = s.crossed,
                            .lse = s.cross_lse});
    c.run(ops::LinearResidual<D>{.x = s.crossed,
                                 .w = p.cross_projection.weight,
                                 .bias = p.cross_projection.bias,
                                 .residual = s.middle,
                                 .y = s.last});
    Norm::forward(c, p.norm3, s.last, normed, s.moments3);
    return normed;
  }
  template <int Index> static constexpr auto part(auto rows) {
    return rows.template columns<Index * Dim, (Index + 1) * Dim>();
  }
  static constexpr auto query(const auto& p) { return p.cross.template part<0, Dim>(); }
  static constexpr auto keys_values(const auto& p) { return p.cross.template part<Dim, 3 * Dim>(); }
};

}  // namespace arvit
