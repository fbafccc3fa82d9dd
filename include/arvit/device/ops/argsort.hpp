// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

namespace arvit::ops {

/// order[row] = the columns of keys[row] by ascending key, equal ones in their order.
template <class Space> struct ArgsortOn {
  static constexpr std::string_view name = "argsort";
  Matrix<const float, Space> keys;
  Matrix<std::int32_t, Space> order;
  void check() const { detail::extents_equal(name, keys, order); }
  Cost cost() const { return detail::pass("argsort", order, 2 * detail::bytes(order)); }
};

template <class D> using Argsort = ArgsortOn<typename D::Space>;

}  // namespace arvit::ops
