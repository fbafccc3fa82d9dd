// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/segment.hpp"
#include "arvit/nn/context.hpp"

namespace arvit {

/// out = softmax(q k^T / sqrt(Dim / Heads)) v, head by head, of the rows that each row reaches
/// (Vaswani et al. 2017, Eq. 1). No parameters.
///
/// Shapes  q, out [readers, Dim]   k, v [read, Dim]
template <int Dim, int Heads> struct Attention {
  template <class D> struct Input {
    ConstTokens<D, Dim> q, k, v;
    Reach<SpaceOf<D>> reach;
  };
  /// What a forward assigns, and a backward reads: lse is the log of each row's sum of exponents.
  template <class D> struct Saved {
    Tokens<D, Dim> out;
    Rows<Statistic<D>, Heads, SpaceOf<D>> lse;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows)
        : out(take_tokens<Dim>(c, rows)), lse(take_statistics<Heads>(c, rows)) {}
    Saved(Tokens<D, Dim> out, Rows<Statistic<D>, Heads, SpaceOf<D>> lse) : out(out), lse(lse) {}
  };
  template <Device D>
  static void forward(const Context<D>& c, const Input<D>& in, const Saved<D>& saved) {
    c.run(ops::Attention<D>{.q = in.q,
                            .k = in.k,
                            .v = in.v,
                            .heads = Heads,
                            .reach = in.reach,
                            .out = saved.out,
                            .lse = saved.lse});
  }
  /// dq is assigned; dk and dv are assigned or added to.
  template <class D> struct Gradients {
    Tokens<D, Dim> dq, dk, dv;
    Write kv = Write::assign;
  };
  /// With p the weights and s the scores: dv = p^T dout   ds = p * (dout v^T - rowsum(dout * out))
  /// dq = ds k / sqrt(Dim / Heads)   dk = ds^T q / sqrt(Dim / Heads)
  template <Device D>
  static void backward(const Context<D>& c, const Input<D>& in, const Saved<D>& saved,
                       ConstTokens<D, Dim> dout, const Gradients<D>& d) {
    c.run(ops::AttentionBackward<D>{.dout = dout,
                                    .q = in.q,
                                    .k = in.k,
                                    .v = in.v,
                                    .out = saved.out,
                                    .lse = saved.lse,
                                    .heads = Heads,
                                    .reach = in.reach,
                                    .dq = d.dq,
                                    .dk = d.dk,
                                    .dv = d.dv,
                                    .write = d.kv});
  }
};

}  // namespace arvit
