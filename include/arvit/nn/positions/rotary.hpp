// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/core/host_device.hpp"
#include "arvit/nn/context.hpp"
#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// Rotary positions (Su et al. 2021, Eq. 15) on the two axes of a grid: channels (i, i + h / 2) of
/// every head of q and k, h channels wide, are turned as one point of a plane. With
/// w_j = 10000^(-j / (h / 4)), j = 0 .. h / 4 - 1, the first h / 4 pairs turn by x w_j, the others
/// by y w_j, for the patch at (row y, column x). So scores depend on the distance of two patches.
struct RotaryPositions {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = Dim > 0, adds = false, turns = true;
    template <class T> static std::vector<T> added(const T*) { return {}; }
  };
};

/// The turns of a grid [rows * columns, head_dim]: for every patch the cosines of its head_dim / 2
/// pairs, then their sines. Computed in double.
template <class T> std::vector<T> rotary_turns(int rows, int columns, int head_dim) {
  const int pairs = head_dim / 2, of_axis = pairs / 2;
  std::vector<T> table(std::int64_t{rows} * columns * head_dim);
  T* at = table.data();
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      for (int i = 0; i < pairs; ++i) {
        const double w = std::pow(10000.0, -static_cast<double>(i % of_axis) / of_axis);
        const double angle = (i < of_axis ? x : y) * w;
        at[i] = static_cast<T>(std::cos(angle));
        at[pairs + i] = static_cast<T>(std::sin(angle));
      }
      at += head_dim;
    }
  return table;
}

namespace detail {
/// Turns one head of one row per call; `direction` -1 turns back. Rows of class tokens are left
/// alone.
template <class A, class S> struct TurnWork {
  A* x;
  std::int64_t stride, heads, head_dim;
  const S* table;
  const std::int32_t *source, *permutation;
  int direction;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t row = i / heads, pairs = head_dim / 2;
    if (source[row] < 0) return;
    const S* const turn = table + permutation[source[row]] * head_dim;
    A* const head = x + row * stride + i % heads * head_dim;
    for (std::int64_t p = 0; p < pairs; ++p) {
      const auto cosine = static_cast<Accumulator<A>>(turn[p]);
      const auto sine = static_cast<Accumulator<A>>(direction * turn[pairs + p]);
      const auto a = static_cast<Accumulator<A>>(head[p]);
      const auto b = static_cast<Accumulator<A>>(head[pairs + p]);
      head[p] = static_cast<A>(a * cosine - b * sine);
      head[pairs + p] = static_cast<A>(a * sine + b * cosine);
    }
  }
};
}  // namespace detail

/// Turns of the rows of an attention's queries or keys: the table of rotary_turns() on a device,
/// and where the rows lie. Empty where the encoder's positions are others.
template <class D> struct Turn {
  Matrix<const Statistic<D>, SpaceOf<D>> table = {};
  PatchRows<SpaceOf<D>> from = {};

  void forward(const Context<D>& c, Matrix<Activation<D>, SpaceOf<D>> x) const { run(c, x, 1); }
  /// The gradient of what was turned: turned back.
  void backward(const Context<D>& c, Matrix<Activation<D>, SpaceOf<D>> dx) const { run(c, dx, -1); }

 private:
  void run(const Context<D>& c, Matrix<Activation<D>, SpaceOf<D>> x, int direction) const {
    const std::int64_t heads = x.columns() / table.columns();
    c.device.for_each(x.rows() * heads,
                      detail::TurnWork<Activation<D>, Statistic<D>>{
                          x.data(), x.stride(), heads, table.columns(), table.data(),
                          from.source.data(), from.permutation.data(), direction});
  }
};

}  // namespace arvit
