// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/nn/block.hpp"

namespace arvit {

/// A block whose tokens read each other: a = attention(q, k, v of norm1(x)), then block.hpp's
/// second half. With `keys_values` alone, a layer whose output nobody reads computes no more than k
/// and v (GVP's last content layer).
template <class B> struct EncoderBlock {
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;
  using KeysValues = Linear<dim, 2 * dim>;  ///< those rows of qkv

  template <class D> struct Input {
    ConstTokens<D, dim> x;
    Reach<SpaceOf<D>> reach;
    BranchScales<D> scales = {};
  };
  template <class D> struct Saved {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, 3 * dim> qkv;  // [rows, 3, heads, head_dim]
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
    B::finish(c, p, {in.x, in.scales}, saved.tail, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                    Saved<D>& saved) {
    attend(c, p, in, saved);
    B::again(c, p, {in.x, in.scales}, saved.tail);
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
    const auto dattended = take_tokens<dim>(c, in.x.rows());
    B::finish_backward(c, w, in.scales, saved.tail, {d.dx, dattended});
    c.run(ops::AttentionBackward<D>{.dout = dattended,
                                    .q = query(saved.qkv),
                                    .k = key(saved.qkv),
                                    .v = value(saved.qkv),
                                    .out = saved.tail.attended,
                                    .lse = saved.tail.lse,
                                    .heads = heads,
                                    .reach = in.reach,
                                    .dq = query(d.dqkv),
                                    .dk = key(d.dqkv),
                                    .dv = value(d.dqkv),
                                    .write = d.kv});
    const auto normed = dattended;
    B::Norm::again(c, p.norm1, {in.x, saved.moments1}, normed);
    B::Qkv::backward(c, {p.qkv, g.qkv}, normed, d.dqkv, normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {in.x, saved.moments1}, normed, {d.dx, Write::add});
  }

  template <Device D>
  static void forward_keys_values(const Context<D>& c, const Parameters<Reading<D>>& p,
                                  ConstTokens<D, dim> x, Saved<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, x.rows());
    B::Norm::forward(c, p.norm1, x, normed, saved.moments1);
    KeysValues::forward(c, keys_values_of(p), normed, keys_values(saved.qkv));
  }
  /// dx += norm1'(dkv Wkv)
  template <Device D>
  static void backward_keys_values(const Context<D>& c, const Learned<B, D>& w,
                                   ConstTokens<D, dim> x, const Saved<D>& saved,
                                   const Gradients<D>& d) {
    const auto& [p, g] = w;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, x.rows());
    B::Norm::again(c, p.norm1, {x, saved.moments1}, normed);
    KeysValues::backward(c, {keys_values_of(p), keys_values_of(g)}, normed, keys_values(d.dqkv),
                         normed);
    B::Norm::backward(c, {p.norm1, g.norm1}, {x, saved.moments1}, normed, {d.dx, Write::add});
  }

  /// Memory of a forward without a backward: 5 dim numbers a row besides the tokens, and 3 dim more
  /// when q, k and v are read afterwards.
  template <class D> struct Passing {
    typename B::Norm::template Moments<D> moments;
    Rows<Statistic<D>, heads, SpaceOf<D>> lse;
    Tokens<D, dim> normed;  // and attention's output
    Tokens<D, B::hidden> hidden;
    Tokens<D, 3 * dim> qkv;
    Passing(const Context<D>& c, std::int64_t rows, bool keep_qkv)
        : moments(take_statistics<2>(c, rows)),
          lse(take_statistics<heads>(c, rows)),
          normed(take_tokens<dim>(c, rows)) {
      const std::int64_t wide = keep_qkv ? 3 * dim + B::hidden : std::max(3 * dim, B::hidden);
      const auto place = c.arena.template span<Activation<D>, SpaceOf<D>>(rows * wide);
      qkv = {place.data(), rows};
      hidden = {place.part(keep_qkv ? rows * 3 * dim : 0, place.size()).data(), rows};
    }
  };
  /// h becomes the block's output.
  template <Device D>
  static void infer(const Context<D>& c, const Parameters<Reading<D>>& p, Tokens<D, dim> h,
                    Reach<SpaceOf<D>> reach, const Passing<D>& memory) {
    const auto& [moments, lse, normed, hidden, qkv] = memory;
    B::Norm::forward(c, p.norm1, h, normed, moments);
    B::Qkv::forward(c, p.qkv, normed, qkv);
    c.run(ops::Attention<D>{.q = query(qkv),
                            .k = key(qkv),
                            .v = value(qkv),
                            .heads = heads,
                            .reach = reach,
                            .out = normed,
                            .lse = lse});
    c.run(ops::LinearResidual<D>{
        .x = normed, .w = p.projection.weight, .bias = p.projection.bias, .residual = h, .y = h});
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
  /// qkv = norm1(x) Wqkv      attended = attention(q, k, v)
  template <class D>
  static void attend(const Context<D>& c, const Parameters<Reading<D>>& p, const Input<D>& in,
                     Saved<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<dim>(c, in.x.rows());
    B::Norm::forward(c, p.norm1, in.x, normed, saved.moments1);
    B::Qkv::forward(c, p.qkv, normed, saved.qkv);
    c.run(ops::Attention<D>{.q = query(saved.qkv),
                            .k = key(saved.qkv),
                            .v = value(saved.qkv),
                            .heads = heads,
                            .reach = in.reach,
                            .out = saved.tail.attended,
                            .lse = saved.tail.lse});
  }
  static constexpr auto keys_values_of(const auto& p) {
    return p.qkv.template part<dim, 3 * dim>();
  }
  static constexpr auto keys_values(auto qkv) { return qkv.template columns<dim, 3 * dim>(); }
};

}  // namespace arvit
