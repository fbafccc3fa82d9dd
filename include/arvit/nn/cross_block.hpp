// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"
#include "arvit/nn/positions/rotary.hpp"

namespace arvit {

/// A block whose tokens read keys and values that exist already (GVP: the encoder's own):
/// a = attention(q of norm1(x), k, v), then block.hpp's second half. With a subset of a
/// self-attention block's tokens as x it is that block, of which only those rows are computed.
///
/// Shapes  x, y [readers, dim]   k, v [content, dim]
template <class B> struct ReadingBlock {
  using Shared = B;  ///< whose parameters these are
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;
  using Attention = typename B::Attention;
  using Query = Linear<dim, dim>;  ///< those rows of qkv

  template <class D> struct Input {
    ConstTokens<D, dim> x, k, v;
    Reach<SpaceOf<D>> reach;
    Turn<D> turn = {};  ///< of x
    BranchScales<D> scales = {};
  };
  template <class D> struct Saved {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, dim> q;
    typename B::template Tail<D> tail;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows)
        : moments1(take_statistics<2>(c, rows)), q(take_tokens<dim>(c, rows)), tail(c, rows) {}
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                      Saved<D>& saved, Tokens<D, dim> y) {
    attend(c, p, in, saved);
    B::finish(c, p, {in.x, in.scales}, saved.tail, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& saved) {
    attend(c, p, in, saved);
    B::again(c, p, {in.x, in.scales}, saved.tail);
  }
  /// dx: gradient of y on entry, of x on return. dk and dv are assigned or added to.
  template <class D> struct Gradients {
    Tokens<D, dim> dx, dk, dv;
    Write kv = Write::assign;
  };
  /// dq, dk, dv = attention'(dattended)      dx += norm1'(dq Wq)
  template <Device D>
  static void backward(const Context<D>& c, const Learned<B, D>& w, const Input<D>& in,
                       const Saved<D>& saved, const Gradients<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto dattended = take_tokens<dim>(c, in.x.rows());
    const auto dq = take_tokens<dim>(c, in.x.rows());
    B::finish_backward(c, w, in.scales, saved.tail, {d.dx, dattended});
    Attention::backward(c, {saved.q, in.k, in.v, in.reach}, saved.tail.attention, dattended,
                        {dq, d.dk, d.dv, d.kv});
    if constexpr (B::turns) in.turn.backward(c, dq);
    const auto normed = dattended;
    B::Norm::again(c, p.norm1, {in.x, saved.moments1}, normed);
    Query::backward(c, {query(p), query(g)}, normed, dq, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {in.x, saved.moments1}, normed, {d.dx, Write::add});
  }

 private:
  /// q = norm1(x) Wq, turned      attended = attention(q, k, v)
  template <class D>
  static void attend(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                     Saved<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, in.x.rows());
    B::Norm::forward(c, p.norm1, in.x, normed, saved.moments1);
    Query::forward(c, query(p), normed, saved.q);
    if constexpr (B::turns) in.turn.forward(c, saved.q);
    Attention::forward(c, {saved.q, in.k, in.v, in.reach}, saved.tail.attention);
  }
  static constexpr auto query(const auto& p) { return p.qkv.template part<0, dim>(); }
};

/// A block whose tokens read other tokens: a = attention(q of norm1(x), k and v of norm1(h)), then
/// block.hpp's second half. The same norm1 serves x and h (SAIM, SemAIM).
///
/// Shapes  x, y [readers, dim]   h [content, dim]
template <class B> struct CrossBlock {
  using Shared = B;
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;
  using Reader = ReadingBlock<B>;
  using KeysValues = Linear<dim, 2 * dim>;  ///< those rows of qkv

  /// Keys and values of the content.
  template <class D> struct Content {
    ConstTokens<D, dim> h;
    Turn<D> turn = {};
  };
  template <class D> struct SavedKeys {
    typename B::Norm::template Moments<D> moments;
    Tokens<D, 2 * dim> kv;  // [rows, 2, heads, head_dim], k turned
    SavedKeys() = default;
    SavedKeys(const Context<D>& c, std::int64_t rows)
        : moments(take_statistics<2>(c, rows)), kv(take_tokens<2 * dim>(c, rows)) {}
  };
  /// kv = norm1(h) Wkv, k turned
  template <Device D>
  static void forward_keys(const Context<D>& c, const Parameters<Reading<D>>& p,
                           const Content<D>& content, SavedKeys<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, content.h.rows());
    B::Norm::forward(c, p.norm1, content.h, normed, saved.moments);
    KeysValues::forward(c, keys_values(p), normed, saved.kv);
    if constexpr (B::turns) content.turn.forward(c, key(saved.kv));
  }
  /// dkv is used up; dh is added to.
  template <class D> struct KeysGradient {
    Tokens<D, 2 * dim> dkv;
    Tokens<D, dim> dh;
  };
  /// dh += norm1'(dkv Wkv)
  template <Device D>
  static void backward_keys(const Context<D>& c, const Learned<B, D>& w, const Content<D>& content,
                            const SavedKeys<D>& saved, const KeysGradient<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, content.h.rows());
    if constexpr (B::turns) content.turn.backward(c, key(d.dkv));
    B::Norm::again(c, p.norm1, {content.h, saved.moments}, normed);
    KeysValues::backward(c, {keys_values(p), keys_values(g)}, normed, d.dkv, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {content.h, saved.moments}, normed,
                      {d.dh, Write::add});
  }

  template <class D> struct Input {
    ConstTokens<D, dim> x;
    Content<D> content;
    Reach<SpaceOf<D>> reach;
    Turn<D> turn = {};  ///< of x
  };
  template <class D> struct Saved {
    typename Reader::template Saved<D> reading;
    SavedKeys<D> keys;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows, std::int64_t content)
        : reading(c, rows), keys(c, content) {}
  };
  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                      Saved<D>& saved, Tokens<D, dim> y) {
    forward_keys(c, p, in.content, saved.keys);
    Reader::forward(c, p, readers(in, saved), saved.reading, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& saved) {
    forward_keys(c, p, in.content, saved.keys);
    Reader::again(c, p, readers(in, saved), saved.reading);
  }
  /// dx: gradient of y on entry, of x on return; dh is added to.
  template <class D> struct Gradients { Tokens<D, dim> dx, dh; };
  template <Device D>
  static void backward(const Context<D>& c, const Learned<B, D>& w, const Input<D>& in,
                       const Saved<D>& saved, const Gradients<D>& d) {
    const ArenaScope scope(c.arena);
    const auto dkv = take_tokens<2 * dim>(c, in.content.h.rows());
    Reader::backward(c, w, readers(in, saved), saved.reading, {d.dx, key(dkv), value(dkv)});
    backward_keys(c, w, in.content, saved.keys, {dkv, d.dh});
  }

  static constexpr auto key(auto kv) { return kv.template columns<0, dim>(); }
  static constexpr auto value(auto kv) { return kv.template columns<dim, 2 * dim>(); }

 private:
  template <class D>
  static typename Reader::template Input<D> readers(const Input<D>& in, const Saved<D>& saved) {
    return {in.x, key(saved.keys.kv), value(saved.keys.kv), in.reach, in.turn};
  }
  static constexpr auto keys_values(const auto& p) { return p.qkv.template part<dim, 3 * dim>(); }
};

}  // namespace arvit
