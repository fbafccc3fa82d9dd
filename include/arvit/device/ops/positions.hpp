// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/images.hpp"

namespace arvit::ops {

/// x[row] += table[permutation[source[row]]]; rows of class tokens are left alone.
/// x [rows, width]   table [patches, width]
template <class P, class Space> struct AddPositionsOn {
  static constexpr std::string_view name = "add_positions";
  Out<P, Space> x;
  ConstStatistics<P, Space> table;
  PatchRows<Space> from;
  void check() const {
    detail::rows_equal(name, x.rows(), from.source.size());
    detail::columns_equal(name, x.columns(), table.columns());
  }
  Cost cost() const { return detail::pass("positions", x, 3 * detail::bytes(x)); }
};

template <class D> using AddPositions = AddPositionsOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
