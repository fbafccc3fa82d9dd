// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/nn/block.hpp"
#include "arvit/nn/positions/rotary.hpp"

namespace arvit {

/// A block whose tokens read each other: a = attention(q, k, v of norm1(x)), then block.hpp's
/// second half. A layer whose output nobody reads computes no more than k and v (GVP's last content
/// layer): `keys_values_only`.
template <class B> struct EncoderBlock {
  using Shared = B;  ///< whose parameters these are
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;
  using Attention = typename B::Attention;
  using KeysValues = Linear<dim, 2 * dim>;  ///< those rows of qkv

  template <class D> struct Input {
    ConstTokens<D, dim> x;
    Reach<SpaceOf<D>> reach;
    Turn<D> turn = {};
    BranchScales<D> scales = {};
    bool keys_values_only = false;
  };
  template <class D> struct Saved {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, 3 * dim> qkv;  // [rows, 3, heads, head_dim], q and k turned
    typename B::template Tail<D> tail;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows, bool keys_values_only)
        : moments1(take_statistics<2>(c, rows)), qkv(take_tokens<3 * dim>(c, rows)) {
      if (!keys_values_only) tail = typename B::template Tail<D>(c, rows);
    }
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                      Saved<D>& saved, Tokens<D, dim> y) {
    attend(c, p, in, saved);
    if (!in.keys_values_only) B::finish(c, p, {in.x, in.scales}, saved.tail, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& saved) {
    attend(c, p, in, saved);
    if (!in.keys_values_only) B::again(c, p, {in.x, in.scales}, saved.tail);
  }

  /// dx: gradient of y on entry, of x on return. dqkv holds what a decoder added to k and v (`kv` =
  /// add) or is free memory (assign).
  template <class D> struct Gradients {
    Tokens<D, dim> dx;
    Tokens<D, 3 * dim> dqkv;
    Write kv = Write::assign;
  };
  /// dqkv = attention'(dattended)      dx += norm1'(dqkv Wqkv)
  template <Device D>
  static void backward(const Context<D>& c, const Learned<B, D>& w, const Input<D>& in,
                       const Saved<D>& saved, const Gradients<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, in.x.rows());
    if (!in.keys_values_only) {
      const auto dattended = normed;
      B::finish_backward(c, w, in.scales, saved.tail, {d.dx, dattended});
      Attention::backward(c, read(saved.qkv, in), saved.tail.attention, dattended,
                          {query(d.dqkv), key(d.dqkv), value(d.dqkv), d.kv});
    }
    if constexpr (B::turns) {
      if (!in.keys_values_only) in.turn.backward(c, query(d.dqkv));
      in.turn.backward(c, key(d.dqkv));
    }
    B::Norm::again(c, p.norm1, {in.x, saved.moments1}, normed);
    if (in.keys_values_only)
      KeysValues::backward(c, {keys_values_of(p), keys_values_of(g)}, normed, keys_values(d.dqkv),
                           normed);
    else
      B::Qkv::backward(c, {p.qkv, g.qkv}, normed, d.dqkv, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {in.x, saved.moments1}, normed, {d.dx, Write::add});
  }

  /// Memory of a forward without a backward: 5 dim numbers a row besides the tokens, and 3 dim more
  /// when q, k and v are read afterwards.
  template <class D> struct Passing {
    typename B::Norm::template Moments<D> moments;
    typename Attention::template Saved<D> attention;  // its output's place is also normed
    Tokens<D, B::hidden> hidden;
    Tokens<D, 3 * dim> qkv;
    Passing(const Context<D>& c, std::int64_t rows, bool keep_qkv)
        : moments(take_statistics<2>(c, rows)), attention(c, rows) {
      const std::int64_t wide = keep_qkv ? 3 * dim + B::hidden : std::max(3 * dim, B::hidden);
      const auto place = c.arena.template span<Activation<D>, SpaceOf<D>>(rows * wide);
      qkv = {place.data(), rows};
      hidden = {place.part(keep_qkv ? rows * 3 * dim : 0, place.size()).data(), rows};
    }
  };
  /// h, of which `in.x` is the place, becomes the block's output.
  template <Device D>
  static void infer(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Tokens<D, dim> h, const Passing<D>& memory) {
    const auto& [moments, attention, hidden, qkv] = memory;
    const auto normed = attention.out;
    to_qkv(c, p, in, {normed, moments}, qkv);
    Attention::forward(c, read(qkv, in), attention);
    c.run(ops::LinearResidual<D>{.x = attention.out,
                                 .w = p.projection.weight,
                                 .bias = p.projection.bias,
                                 .residual = h,
                                 .y = h});
    B::Norm::forward(c, p.norm2, h, normed, moments);
    c.run(ops::LinearGelu<D>{
        .x = normed, .w = p.mlp.fc1.weight, .bias = p.mlp.fc1.bias, .pre = hidden, .y = hidden});
    c.run(ops::LinearResidual<D>{
        .x = hidden, .w = p.mlp.fc2.weight, .bias = p.mlp.fc2.bias, .residual = h, .y = h});
  }

  static constexpr auto query(auto qkv) { return qkv.template columns<0, dim>(); }
  static constexpr auto key(auto qkv) { return qkv.template columns<dim, 2 * dim>(); }
  static constexpr auto value(auto qkv) { return qkv.template columns<2 * dim, 3 * dim>(); }

 private:
  template <class D> struct Normed {
    Tokens<D, dim> y;
    typename B::Norm::template Moments<D> moments;
  };
  /// qkv = norm1(x) Wqkv, q and k turned
  template <class D>
  static void to_qkv(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                     const Normed<D>& normed, Tokens<D, 3 * dim> qkv) {
    B::Norm::forward(c, p.norm1, in.x, normed.y, normed.moments);
    if (in.keys_values_only)
      KeysValues::forward(c, keys_values_of(p), normed.y, keys_values(qkv));
    else
      B::Qkv::forward(c, p.qkv, normed.y, qkv);
    if constexpr (B::turns) {
      if (!in.keys_values_only) in.turn.forward(c, query(qkv));
      in.turn.forward(c, key(qkv));
    }
  }
  /// ... attended = attention(q, k, v)
  template <class D>
  static void attend(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                     Saved<D>& saved) {
    const ArenaScope scope(c.arena);
    to_qkv(c, p, in, {take_tokens<dim>(c, in.x.rows()), saved.moments1}, saved.qkv);
    if (!in.keys_values_only) Attention::forward(c, read(saved.qkv, in), saved.tail.attention);
  }
  template <class D>
  static typename Attention::template Input<D> read(ConstTokens<D, 3 * dim> qkv,
                                                    const Input<D>& in) {
    return {query(qkv), key(qkv), value(qkv), in.reach};
  }
  static constexpr auto keys_values_of(const auto& p) {
    return p.qkv.template part<dim, 3 * dim>();
  }
  static constexpr auto keys_values(auto qkv) { return qkv.template columns<dim, 3 * dim>(); }
};

}  // namespace arvit
