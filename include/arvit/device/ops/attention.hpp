// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>

#include "arvit/core/segment.hpp"
#include "arvit/device/ops/operation.hpp"

/// Prefix-limited attention: `heads` heads of q.columns() / heads channels, scores scaled by
/// 1 / sqrt(head width). Query row i of a segment reads the first limit[i] of its keys.
/// q, out [queries, width]   k, v [keys, width]   lse [queries, heads]
namespace arvit::ops {

namespace detail {
template <class M, class S, class Space>
void check_attention(std::string_view name, const M& q, const M& k, int heads,
                     const Reach<Space>& reach, const S& lse) {
  rows_equal(name, q.rows(), reach.limit.size(), lse.rows());
  columns_equal(name, q.columns(), k.columns());
  columns_equal(name, heads, lse.columns());
  if (heads <= 0 || q.columns() % heads != 0)
    fail<ShapeError>(name, ": ", heads, " heads do not divide width ", q.columns(), ".");
  if constexpr (std::same_as<Space, HostSpace>) check_reach(name, reach, q.rows(), k.rows());
}
}  // namespace detail

/// out = softmax(scale q k^T) v, row by row over what a query reads; lse = log of the sum of
/// exp(scores). A row with limit 0 gives zero. Rows in no segment are left alone.
template <class P, class Space> struct AttentionOn {
  static constexpr std::string_view name = "attention";
  In<P, Space> q, k, v;
  int heads;
  Reach<Space> reach;
  Out<P, Space> out;
  Statistics<P, Space> lse;
  void check() const {
    detail::extents_equal(name, q, out);
    detail::extents_equal(name, k, v);
    detail::check_attention(name, q, k, heads, reach, lse);
  }
  Cost cost() const {
    return {"attention",
            q.rows(),
            q.columns(),
            0,
            2 * static_cast<double>(reach.extents.pairs) * static_cast<double>(q.columns()),
            2 * detail::bytes(q) + 2 * detail::bytes(k)};
  }
};

/// With p = softmax(scale q k^T) and ds = p * (dout v^T - the row's sum of dout * out):
///   dq = scale ds k      dk (=, +=) scale ds^T q      dv (=, +=) p^T dout.
/// Key ranges of the segments ascend and do not overlap. A row with limit 0 passes no gradient;
/// keys that no query reads get zero.
template <class P, class Space> struct AttentionBackwardOn {
  static constexpr std::string_view name = "attention_backward";
  In<P, Space> dout, q, k, v, out;
  ConstStatistics<P, Space> lse;
  int heads;
  Reach<Space> reach;
  Out<P, Space> dq, dk, dv;
  Write write = Write::assign;
  void check() const {
    detail::extents_equal(name, q, out, dout, dq);
    detail::extents_equal(name, k, v, dk, dv);
    detail::check_attention(name, q, k, heads, reach, lse);
    if constexpr (std::same_as<Space, HostSpace>) check_ascending(name, reach.segments);
  }
  /// The scores are computed again; that fifth product is not counted.
  Cost cost() const {
    return {"attention backward",
            q.rows(),
            q.columns(),
            0,
            4 * static_cast<double>(reach.extents.pairs) * static_cast<double>(q.columns()),
            4 * detail::bytes(q) + 4 * detail::bytes(k)};
  }
};

template <class D> using Attention = AttentionOn<typename D::Precision, typename D::Space>;
template <class D>
using AttentionBackward = AttentionBackwardOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
