// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"

namespace arvit {

/// A block whose tokens read other tokens: a = attention(q of norm1(x), k and v of norm1(h)), then
/// block.hpp's second half. The same norm1 serves x and h (SAIM, SemAIM). `forward_reading` takes
/// keys and values that exist already (GVP: the encoder's own). With h = x and a subset of its rows
/// as x it is a self-attention block of which only those rows are computed (MAE's last one).
template <class B> struct CrossBlock {
  using Shared = B;  ///< whose parameters these are
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;
  using Query = Linear<dim, dim>;  ///< those rows of qkv
  using KeysValues = Linear<dim, 2 * dim>;

  template <class D> struct SavedKeys {
    typename B::Norm::template Moments<D> moments;
    Tokens<D, 2 * dim> kv;  // [rows, 2, heads, head_dim]
    SavedKeys() = default;
    SavedKeys(const Context<D>& c, std::int64_t rows)
        : moments(take_statistics<2>(c, rows)), kv(take_tokens<2 * dim>(c, rows)) {}
  };
  template <class D> struct SavedReading {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, dim> q;
    typename B::template Tail<D> tail;
    SavedReading() = default;
    SavedReading(const Context<D>& c, std::int64_t rows)
        : moments1(take_statistics<2>(c, rows)), q(take_tokens<dim>(c, rows)), tail(c, rows) {}
  };
  template <class D> struct Saved {
    SavedReading<D> reading;
    SavedKeys<D> keys;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows, std::int64_t content)
        : reading(c, rows), keys(c, content) {}
  };

  /// Keys and values of the content: kv = norm1(h) Wkv.
  template <Device D>
  static void forward_keys(const Context<D>& c, const Parameters<Reading<D>>& p,
                           ConstTokens<D, dim> h, SavedKeys<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, h.rows());
    B::Norm::forward(c, p.norm1, h, normed, saved.moments);
    KeysValues::forward(c, keys_values(p), normed, saved.kv);
  }
  /// dh is added to.
  template <class D> struct KeysGradient {
    ConstTokens<D, 2 * dim> dkv;
    Tokens<D, dim> dh;
  };
  /// dh += norm1'(dkv Wkv)
  template <Device D>
  static void backward_keys(const Context<D>& c, const Learned<B, D>& w, ConstTokens<D, dim> h,
                            const SavedKeys<D>& saved, const KeysGradient<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, h.rows());
    B::Norm::again(c, p.norm1, {h, saved.moments}, normed);
    KeysValues::backward(c, {keys_values(p), keys_values(g)}, normed, d.dkv, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {h, saved.moments}, normed, {d.dh, Write::add});
  }

  /// Tokens that read keys and values.
  template <class D> struct Readers {
    ConstTokens<D, dim> x, k, v;
    Reach<SpaceOf<D>> reach;
    BranchScales<D> scales = {};
  };
  template <Device D>
  static void forward_reading(const Context<D>& c, const Parameters<Reading<D>>& p,
                              const Readers<D>& in, SavedReading<D>& saved, Tokens<D, dim> y) {
    attend(c, p, in, saved);
    B::finish(c, p, {in.x, in.scales}, saved.tail, y);
  }
  /// What `forward_reading` keeps, once more.
  template <Device D>
  static void again_reading(const Context<D>& c, const Parameters<Reading<D>>& p,
                            const Readers<D>& in, SavedReading<D>& saved) {
    attend(c, p, in, saved);
    B::again(c, p, {in.x, in.scales}, saved.tail);
  }
  /// dx: gradient of y on entry, of x on return. dk and dv are assigned or added to.
  template <class D> struct ReadersGradient {
    Tokens<D, dim> dx, dk, dv;
    Write kv = Write::assign;
  };
  /// dq, dk, dv = attention'(dattended)      dx += norm1'(dq Wq)
  template <Device D>
  static void backward_reading(const Context<D>& c, const Learned<B, D>& w, const Readers<D>& in,
                               const SavedReading<D>& saved, const ReadersGradient<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto dattended = take_tokens<dim>(c, in.x.rows());
    const auto dq = take_tokens<dim>(c, in.x.rows());
    B::finish_backward(c, w, in.scales, saved.tail, {d.dx, dattended});
    c.run(ops::AttentionBackward<D>{.dout = dattended,
                                    .q = saved.q,
                                    .k = in.k,
                                    .v = in.v,
                                    .out = saved.tail.attended,
                                    .lse = saved.tail.lse,
                                    .heads = heads,
                                    .reach = in.reach,
                                    .dq = dq,
                                    .dk = d.dk,
                                    .dv = d.dv,
                                    .write = d.kv});
    const auto normed = dattended;
    B::Norm::again(c, p.norm1, {in.x, saved.moments1}, normed);
    Query::backward(c, {query(p), query(g)}, normed, dq, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {in.x, saved.moments1}, normed, {d.dx, Write::add});
  }

  /// The whole block: keys of h, then queries of x.
  template <class D> struct Input {
    ConstTokens<D, dim> x, h;
    Reach<SpaceOf<D>> reach;
  };
  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                      Saved<D>& saved, Tokens<D, dim> y) {
    forward_keys(c, p, in.h, saved.keys);
    forward_reading(c, p, readers(in, saved), saved.reading, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& saved) {
    forward_keys(c, p, in.h, saved.keys);
    again_reading(c, p, readers(in, saved), saved.reading);
  }
  /// dx as in backward_reading; dh is added to.
  template <class D> struct Gradients { Tokens<D, dim> dx, dh; };
  template <Device D>
  static void backward(const Context<D>& c, const Learned<B, D>& w, const Input<D>& in,
                       const Saved<D>& saved, const Gradients<D>& d) {
    const ArenaScope scope(c.arena);
    const auto dkv = take_tokens<2 * dim>(c, in.h.rows());
    backward_reading(c, w, readers(in, saved), saved.reading, {d.dx, key(dkv), value(dkv)});
    backward_keys(c, w, in.h, saved.keys, {dkv, d.dh});
  }

  static constexpr auto key(auto kv) { return kv.template columns<0, dim>(); }
  static constexpr auto value(auto kv) { return kv.template columns<dim, 2 * dim>(); }

 private:
  template <class D> static Readers<D> readers(const Input<D>& in, const Saved<D>& saved) {
    return {in.x, key(saved.keys.kv), value(saved.keys.kv), in.reach};
  }
  /// q = norm1(x) Wq      attended = attention(q, k, v)
  template <class D>
  static void attend(const Context<D>& c, const Parameters<Reading<D>>& p, const Readers<D>& in,
                     SavedReading<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, in.x.rows());
    B::Norm::forward(c, p.norm1, in.x, normed, saved.moments1);
    Query::forward(c, query(p), normed, saved.q);
    c.run(ops::Attention<D>{.q = saved.q,
                            .k = in.k,
                            .v = in.v,
                            .heads = heads,
                            .reach = in.reach,
                            .out = saved.tail.attended,
                            .lse = saved.tail.lse});
  }
  static constexpr auto query(const auto& p) { return p.qkv.template part<0, dim>(); }
  static constexpr auto keys_values(const auto& p) { return p.qkv.template part<dim, 3 * dim>(); }
};

}  // namespace arvit
