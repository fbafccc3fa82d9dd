// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <type_traits>

#include "arvit/device/concept.hpp"

namespace arvit {

/// A device without memory and without arithmetic: it checks extents, and that is all. A step that
/// runs on it with a measuring arena is the plan of that step's memory; and since its views have no
/// element access, whatever compiles for it does not touch a device's memory from the host.
template <class P> class Planner {
 public:
  using Precision = P;
  using Space = DeviceSpace;

  template <class Op> void run(const Op& op) { op.check(); }
  template <class Work> void for_each(std::int64_t, const Work&) {}
  std::byte* allocate(std::int64_t) { return nullptr; }
  void deallocate(std::byte*) noexcept {}
  template <class T> void upload(const T*, Span<T, Space>) {}
  template <class T> void download(Span<T, Space>, std::remove_const_t<T>*) {}
};

/// What the memory of a pass on D is planned on: a planner of D's own type where it has one, so
/// that the pass is compiled once; else a Planner.
template <class D> auto planner_of() {
  if constexpr (requires { D::planner(); })
    return D::planner();
  else
    return Planner<typename D::Precision>();
}
template <class D> using PlannerOf = decltype(planner_of<D>());

}  // namespace arvit
