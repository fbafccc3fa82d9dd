// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

/// Where layers run: a device, and the arena that they take memory from; scratch in scopes.
template <class D> struct Context {
  D& device;
  Arena& arena;
  template <class Op> void run(const Op& op) const { device.run(op); }
};

/// Memory for tokens [rows, Dim], and for statistics [rows, Columns].
template <int Dim, class D> Tokens<D, Dim> take_tokens(const Context<D>& c, std::int64_t rows) {
  return c.arena.template rows<Activation<D>, Dim, SpaceOf<D>>(rows);
}
template <int Columns, class D>
Rows<Statistic<D>, Columns, SpaceOf<D>> take_statistics(const Context<D>& c, std::int64_t rows) {
  return c.arena.template rows<Statistic<D>, Columns, SpaceOf<D>>(rows);
}

/// The parameters of a layer as its backward gets them: read, and their gradients, added to.
template <class Layer, class D> struct Learned {
  const typename Layer::template Parameters<Reading<D>>& weights;
  const typename Layer::template Parameters<Adding<D>>& gradient;
};

/// A gradient of tokens that is assigned or added to.
template <class D, int Dim> struct Into {
  Tokens<D, Dim> tokens;
  Write write = Write::assign;
};

/// Factors on a branch, one per row (drop path); empty: 1.
template <class D> using RowScale = Span<const Statistic<D>, SpaceOf<D>>;

}  // namespace arvit
