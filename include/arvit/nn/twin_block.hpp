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
template <int Dim, int Heads, class Epsilon = DefaultEpsilon> struct TwinBlock {
  using Shared = TwinBlock;
  static constexpr int dim = Dim;
  static_assert(
      Heads > 0 && Dim % Heads == 0,
      "TwinBlock<Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  using Norm = LayerNorm<Dim, Epsilon>;
  using Attention = arvit::Attention<Dim, Heads>;
  using Qkv = Linear<Dim, 3 * Dim>;
  using Query = Linear<Dim, Dim>;  ///< those rows of cross.qkv
  using KeysValues = Linear<Dim, 2 * Dim>;
  using Projection = Linear<Dim, Dim>;
  using Feed = Mlp<Dim, 4 * Dim, Dim>;
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
        : norm1(at.in("norm1.")),
          qkv(at.in("attn.qkv.")),
          projection(at.in("attn.proj.")),
          norm2(at.in("norm2.")),
          norm_kv(at.in("norm_kv.")),
          cross(at.in("cross.qkv."), Dim),
          cross_projection(at.in("cross.proj.")),
          norm3(at.in("norm3.")),
          mlp(at.in("mlp.")) {}
  };

  /// What a backward reads: 12 Dim numbers a query and 2 Dim a row of content.
  template <class D> struct Saved {
    typename Norm::template Moments<D> moments1, moments2, moments_kv, moments3;
    Tokens<D, 3 * Dim> qkv;
    Tokens<D, 2 * Dim> kv;
    Tokens<D, Dim> q, middle, last;
    typename Attention::template Saved<D> attended, crossed;
    Tokens<D, 4 * Dim> hidden;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t queries, std::int64_t content) {
      for (auto* m : {&moments1, &moments2, &moments3}) *m = take_statistics<2>(c, queries);
      moments_kv = take_statistics<2>(c, content);
      qkv = take_tokens<3 * Dim>(c, queries);
      kv = take_tokens<2 * Dim>(c, content);
      for (auto* t : {&q, &middle, &last}) *t = take_tokens<Dim>(c, queries);
      for (auto* a : {&attended, &crossed}) *a = {c, queries};
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
      Projection::backward(c, {p.cross_projection, g.cross_projection}, s.crossed.out, dx, branch);
      Attention::backward(c, content(in, s), s.crossed, branch, {dq, part<0>(dkv), part<1>(dkv)});
      Norm::again(c, p.norm2, {s.middle, s.moments2}, normed);
      Query::backward(c, {query(p), query(g)}, normed, dq, branch);
      Norm::backward(c, {p.norm2, g.norm2}, {s.middle, s.moments2}, branch, {dx, Write::add});
      Norm::again(c, p.norm_kv, {in.h, s.moments_kv}, normed_h);
      KeysValues::backward(c, {keys_values(p), keys_values(g)}, normed_h, dkv, normed_h);
      Norm::backward(c, {p.norm_kv, g.norm_kv}, {in.h, s.moments_kv}, normed_h, {d.dh});
    }

    const auto dqkv = take_tokens<3 * Dim>(c, in.x.rows());
    Projection::backward(c, {p.projection, g.projection}, s.attended.out, dx, branch);
    Attention::backward(c, queries(in, s), s.attended, branch,
                        {part<0>(dqkv), part<1>(dqkv), part<2>(dqkv)});
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
    Attention::forward(c, queries(in, s), s.attended);
    c.run(ops::LinearResidual<D>{.x = s.attended.out,
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
    Attention::forward(c, content(in, s), s.crossed);
    c.run(ops::LinearResidual<D>{.x = s.crossed.out,
                                 .w = p.cross_projection.weight,
                                 .bias = p.cross_projection.bias,
                                 .residual = s.middle,
                                 .y = s.last});
    Norm::forward(c, p.norm3, s.last, normed, s.moments3);
    return normed;
  }
  /// What the two attentions read.
  template <class D>
  static typename Attention::template Input<D> queries(const Input<D>& in, const Saved<D>& s) {
    return {part<0>(s.qkv), part<1>(s.qkv), part<2>(s.qkv), in.self};
  }
  template <class D>
  static typename Attention::template Input<D> content(const Input<D>& in, const Saved<D>& s) {
    return {s.q, part<0>(s.kv), part<1>(s.kv), in.content};
  }
  template <int Index> static constexpr auto part(auto rows) {
    return rows.template columns<Index * Dim, (Index + 1) * Dim>();
  }
  static constexpr auto query(const auto& p) { return p.cross.template part<0, Dim>(); }
  static constexpr auto keys_values(const auto& p) { return p.cross.template part<Dim, 3 * Dim>(); }
};

}  // namespace arvit
