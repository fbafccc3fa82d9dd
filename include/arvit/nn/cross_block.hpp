// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"

namespace arvit {

/// A block whose tokens read other tokens: a = attention(q of norm1(x), k and v of norm1(h)), then
/// block.hpp's second half. The same norm1 serves x and h (SAIM, SemAIM). `forward_reading` takes
/// keys and values that exist already (GVP: the encoder's own). With h = x and a subset of its rows
/// as x it is a self-attention block of which only those rows are computed (MAE's last one).
template <class B> struct CrossBlock {
  static constexpr int dim = B::dim, heads = B::heads;
  template <class C> using Parameters = typename B::template Parameters<C>;

  template <class D> struct SavedKeys {
    typename B::Norm::template Moments<D> moments;
    Tokens<D, 2 * dim> kv;  // [rows, 2, heads, head_dim]
    SavedKeys() = default;
    SavedKeys(Arena& arena, std::int64_t rows)
        : moments(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          kv(arena.rows<Activation<D>, 2 * dim, SpaceOf<D>>(rows)) {}
  };
  template <class D> struct Saved {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, dim> q;
    typename B::template Tail<D> tail;
    Saved() = default;
    Saved(Arena& arena, std::int64_t rows)
        : moments1(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          q(arena.rows<Activation<D>, dim, SpaceOf<D>>(rows)),
          tail(arena, rows) {}
  };

  /// Keys and values of the content.
  template <Device D>
  static void forward_keys(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                           ConstTokens<D, dim> h, SavedKeys<D>& saved) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(h.rows());
    B::Norm::forward(device, p.norm1, h, normed, saved.moments);
    device.linear(normed, kv_weight(p), kv_bias(p), saved.kv);
  }
  /// dh is added to; dkv is used up.
  template <Device D>
  static void backward_keys(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                            ConstTokens<D, dim> h, const SavedKeys<D>& saved,
                            ConstTokens<D, 2 * dim> dkv, Tokens<D, dim> dh,
                            const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(h.rows());
    B::Norm::again(device, p.norm1, h, saved.moments, normed);
    device.linear_backward_weight(dkv, normed, kv_weight(gradient), kv_bias(gradient));
    device.linear_backward_input(dkv, kv_weight(p), normed, Write::assign);
    B::Norm::backward(device, p.norm1, h, saved.moments, normed, dh, Write::add, gradient.norm1);
  }

  template <Device D>
  static void forward_reading(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                              ConstTokens<D, dim> x, ConstTokens<D, dim> k, ConstTokens<D, dim> v,
                              Reach<SpaceOf<D>> reach, BranchScales<D> scales, Saved<D>& saved,
                              Tokens<D, dim> y) {
    attend(device, scratch, p, x, k, v, reach, saved);
    B::finish(device, scratch, p, x, scales, saved.tail, y);
  }
  /// What `forward_reading` keeps, once more.
  template <Device D>
  static void again_reading(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                            ConstTokens<D, dim> x, ConstTokens<D, dim> k, ConstTokens<D, dim> v,
                            Reach<SpaceOf<D>> reach, BranchScales<D> scales, Saved<D>& saved) {
    attend(device, scratch, p, x, k, v, reach, saved);
    B::again(device, scratch, p, x, scales, saved.tail);
  }
  /// dx: gradient of y on entry, of x on return. dk and dv are assigned or added to.
  template <Device D>
  static void backward_reading(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                               ConstTokens<D, dim> x, ConstTokens<D, dim> k, ConstTokens<D, dim> v,
                               Reach<SpaceOf<D>> reach, BranchScales<D> scales,
                               const Saved<D>& saved, Tokens<D, dim> dx, Tokens<D, dim> dk,
                               Tokens<D, dim> dv, Write kv, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto dattended = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    const auto dq = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    B::finish_backward(device, scratch, p, scales, saved.tail, dx, dattended, gradient);
    device.attention_backward(dattended, saved.q, k, v, saved.tail.attended, saved.tail.lse, heads,
                              reach.segments, reach.limit, dq, dk, dv, kv);
    const auto normed = dattended;
    B::Norm::again(device, p.norm1, x, saved.moments1, normed);
    device.linear_backward_weight(dq, normed, q_weight(gradient), q_bias(gradient));
    device.linear_backward_input(dq, q_weight(p), normed, Write::assign);
    B::Norm::backward(device, p.norm1, x, saved.moments1, normed, dx, Write::add, gradient.norm1);
  }

  /// The whole block: keys of h, then queries of x.
  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                      ConstTokens<D, dim> x, ConstTokens<D, dim> h, Reach<SpaceOf<D>> reach,
                      Saved<D>& saved, SavedKeys<D>& keys, Tokens<D, dim> y) {
    forward_keys(device, scratch, p, h, keys);
    forward_reading<D>(device, scratch, p, x, key(keys.kv), value(keys.kv), reach, {}, saved, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                    ConstTokens<D, dim> x, ConstTokens<D, dim> h, Reach<SpaceOf<D>> reach,
                    Saved<D>& saved, SavedKeys<D>& keys) {
    forward_keys(device, scratch, p, h, keys);
    again_reading<D>(device, scratch, p, x, key(keys.kv), value(keys.kv), reach, {}, saved);
  }
  /// dx as in backward_reading; dh is added to.
  template <Device D>
  static void backward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                       ConstTokens<D, dim> x, ConstTokens<D, dim> h, Reach<SpaceOf<D>> reach,
                       const Saved<D>& saved, const SavedKeys<D>& keys, Tokens<D, dim> dx,
                       Tokens<D, dim> dh, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto dkv = scratch.rows<Activation<D>, 2 * dim, SpaceOf<D>>(h.rows());
    backward_reading<D>(device, scratch, p, x, key(keys.kv), value(keys.kv), reach, {}, saved, dx,
                        key(dkv), value(dkv), Write::assign, gradient);
    backward_keys<D>(device, scratch, p, h, keys, dkv, dh, gradient);
  }

  static constexpr auto key(auto kv) { return kv.template columns<0, dim>(); }
  static constexpr auto value(auto kv) { return kv.template columns<dim, 2 * dim>(); }

 private:
  template <class D>
  static void attend(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                     ConstTokens<D, dim> x, ConstTokens<D, dim> k, ConstTokens<D, dim> v,
                     Reach<SpaceOf<D>> reach, Saved<D>& saved) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    B::Norm::forward(device, p.norm1, x, normed, saved.moments1);
    device.linear(normed, q_weight(p), q_bias(p), saved.q);
    device.attention(saved.q, k, v, heads, reach.segments, reach.limit, saved.tail.attended,
                     saved.tail.lse);
  }
  static constexpr auto q_weight(const auto& p) { return p.qkv.weight.slice(0, dim); }
  static constexpr auto q_bias(const auto& p) { return p.qkv.bias.template part<0, dim>(); }
  static constexpr auto kv_weight(const auto& p) { return p.qkv.weight.slice(dim, 3 * dim); }
  static constexpr auto kv_bias(const auto& p) { return p.qkv.bias.template part<dim, 3 * dim>(); }
};

}  // namespace arvit
