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

  template <class D> struct Saved {
    typename B::Norm::template Moments<D> moments1;
    Tokens<D, 3 * dim> qkv;  // [rows, 3, heads, head_dim]
    typename B::template Tail<D> tail;
    Saved() = default;
    Saved(Arena& arena, std::int64_t rows, bool keys_values_only)
        : moments1(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          qkv(arena.rows<Activation<D>, 3 * dim, SpaceOf<D>>(rows)) {
      if (!keys_values_only) tail = typename B::template Tail<D>(arena, rows);
    }
  };

  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                      ConstTokens<D, dim> x, Reach<SpaceOf<D>> reach, BranchScales<D> scales,
                      Saved<D>& saved, Tokens<D, dim> y) {
    attend(device, scratch, p, x, reach, saved);
    B::finish(device, scratch, p, x, scales, saved.tail, y);
  }
  /// What `forward` keeps, once more.
  template <Device D>
  static void again(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                    ConstTokens<D, dim> x, Reach<SpaceOf<D>> reach, BranchScales<D> scales,
                    Saved<D>& saved) {
    attend(device, scratch, p, x, reach, saved);
    B::again(device, scratch, p, x, scales, saved.tail);
  }

  /// Memory of a forward without a backward: 5 dim numbers a row besides the tokens, and 3 dim more
  /// when q, k and v are read afterwards.
  template <class D> struct Passing {
    typename B::Norm::template Moments<D> moments;
    Rows<Statistic<D>, heads, SpaceOf<D>> lse;
    Tokens<D, dim> normed;  // and attention's output
    Tokens<D, B::hidden> hidden;
    Tokens<D, 3 * dim> qkv;
    Passing(Arena& arena, std::int64_t rows, bool keep_qkv)
        : moments(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          lse(arena.rows<Statistic<D>, heads, SpaceOf<D>>(rows)),
          normed(arena.rows<Activation<D>, dim, SpaceOf<D>>(rows)) {
      const std::int64_t wide = keep_qkv ? 3 * dim + B::hidden : std::max(3 * dim, B::hidden);
      const auto place = arena.span<Activation<D>, SpaceOf<D>>(rows * wide);
      qkv = {place.data(), rows};
      hidden = {place.part(keep_qkv ? rows * 3 * dim : 0, place.size()).data(), rows};
    }
  };
  /// h becomes the block's output.
  template <Device D>
  static void infer(D& device, const Parameters<Reading<D>>& p, Tokens<D, dim> h,
                    Reach<SpaceOf<D>> reach, const Passing<D>& memory) {
    const auto& [moments, lse, normed, hidden, qkv] = memory;
    B::Norm::forward(device, p.norm1, h, normed, moments);
    B::Qkv::forward(device, p.qkv, normed, qkv);
    device.attention(query(qkv), key(qkv), value(qkv), heads, reach.segments, reach.limit, normed,
                     lse);
    device.linear_residual(normed, p.projection.weight, p.projection.bias, h, {}, h);
    B::Norm::forward(device, p.norm2, h, normed, moments);
    device.linear_gelu(normed, p.mlp.fc1.weight, p.mlp.fc1.bias, hidden, hidden);
    device.linear_residual(hidden, p.mlp.fc2.weight, p.mlp.fc2.bias, h, {}, h);
  }

  /// dx: gradient of y on entry, of x on return. dqkv holds what a decoder added to k and v (`kv` =
  /// add) or is free memory (assign).
  template <Device D>
  static void backward(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                       ConstTokens<D, dim> x, Reach<SpaceOf<D>> reach, BranchScales<D> scales,
                       const Saved<D>& saved, Tokens<D, dim> dx, Tokens<D, 3 * dim> dqkv, Write kv,
                       const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto dattended = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    B::finish_backward(device, scratch, p, scales, saved.tail, dx, dattended, gradient);
    device.attention_backward(dattended, query(saved.qkv), key(saved.qkv), value(saved.qkv),
                              saved.tail.attended, saved.tail.lse, heads, reach.segments,
                              reach.limit, query(dqkv), key(dqkv), value(dqkv), kv);
    const auto normed = dattended;
    B::Norm::again(device, p.norm1, x, saved.moments1, normed);
    device.linear_backward_weight(dqkv, normed, gradient.qkv.weight, gradient.qkv.bias);
    device.linear_backward_input(dqkv, p.qkv.weight, normed, Write::assign);
    B::Norm::backward(device, p.norm1, x, saved.moments1, normed, dx, Write::add, gradient.norm1);
  }

  template <Device D>
  static void forward_keys_values(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                                  ConstTokens<D, dim> x, Saved<D>& saved) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    B::Norm::forward(device, p.norm1, x, normed, saved.moments1);
    device.linear(normed, p.qkv.weight.slice(dim, 3 * dim),
                  p.qkv.bias.template part<dim, 3 * dim>(),
                  saved.qkv.template columns<dim, 3 * dim>());
  }
  /// dx is added to.
  template <Device D>
  static void backward_keys_values(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                                   ConstTokens<D, dim> x, const Saved<D>& saved, Tokens<D, dim> dx,
                                   ConstTokens<D, 3 * dim> dqkv,
                                   const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    const auto dkv = dqkv.template columns<dim, 3 * dim>();
    B::Norm::again(device, p.norm1, x, saved.moments1, normed);
    device.linear_backward_weight(dkv, normed, gradient.qkv.weight.slice(dim, 3 * dim),
                                  gradient.qkv.bias.template part<dim, 3 * dim>());
    device.linear_backward_input(dkv, p.qkv.weight.slice(dim, 3 * dim), normed, Write::assign);
    B::Norm::backward(device, p.norm1, x, saved.moments1, normed, dx, Write::add, gradient.norm1);
  }

  static constexpr auto query(auto qkv) { return qkv.template columns<0, dim>(); }
  static constexpr auto key(auto qkv) { return qkv.template columns<dim, 2 * dim>(); }
  static constexpr auto value(auto qkv) { return qkv.template columns<2 * dim, 3 * dim>(); }

 private:
  template <class D>
  static void attend(D& device, Arena& scratch, const Parameters<Reading<D>>& p,
                     ConstTokens<D, dim> x, Reach<SpaceOf<D>> reach, Saved<D>& saved) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, dim, SpaceOf<D>>(x.rows());
    B::Norm::forward(device, p.norm1, x, normed, saved.moments1);
    B::Qkv::forward(device, p.qkv, normed, saved.qkv);
    device.attention(query(saved.qkv), key(saved.qkv), value(saved.qkv), heads, reach.segments,
                     reach.limit, saved.tail.attended, saved.tail.lse);
  }
};

}  // namespace arvit
