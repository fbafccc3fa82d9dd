// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include "arvit/core/host_device.hpp"
#include "arvit/nn/positions/rotary.hpp"

namespace arvit {

namespace detail {
/// dtable[patch] += the sum of the rows that lie there; one number per call, which looks at every
/// row: the order of the sum does not depend on threads.
template <class A, class G> struct PositionGradientWork {
  const A* dx;
  std::int64_t stride, rows, dim;
  const std::int32_t *source, *permutation;
  G* dtable;
  ARVIT_HOST_DEVICE void operator()(std::int64_t patch) const {
    for (std::int64_t row = 0; row < rows; ++row) {
      if (source[row] < 0 || permutation[source[row]] != patch) continue;
      for (std::int64_t c = 0; c < dim; ++c)
        dtable[patch * dim + c] += static_cast<G>(
            static_cast<Accumulator<A>>(dx[row * stride + c]));
    }
  }
};
}  // namespace detail

/// Positions of patches on a device, as an encoder's policy has them, or a decoder of another
/// width.
template <class D> struct Positions {
  using Space = SpaceOf<D>;
  Matrix<const Statistic<D>, Space> table = {};  ///< [patches, dim]; empty: nothing is added
  Matrix<Gradient<D>, Space> gradient = {};      ///< of the table; empty: it is not trained
  Matrix<const Statistic<D>, Space> turns = {};  ///< [patches, head_dim]; empty: nothing turns

  /// x[row] += table[the row's patch]
  void add(const Context<D>& c, Matrix<Activation<D>, Space> x, PatchRows<Space> from) const {
    if (!table.empty()) c.run(ops::AddPositions<D>{.x = x, .table = table, .from = from});
  }
  /// dtable[patch] += the sum of dx over the patch's rows
  void backward(const Context<D>& c, Matrix<const Activation<D>, Space> dx,
                PatchRows<Space> from) const {
    if (gradient.empty()) return;
    c.device.for_each(gradient.rows(),
                      detail::PositionGradientWork<Activation<D>, Gradient<D>>{
                          dx.data(), dx.stride(), dx.rows(), dx.columns(), from.source.data(),
                          from.permutation.data(), gradient.data()});
  }
  /// For queries or keys of these rows.
  Turn<D> turn(PatchRows<Space> from) const { return {turns, from}; }
};

}  // namespace arvit
