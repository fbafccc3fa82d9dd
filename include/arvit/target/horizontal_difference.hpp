// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include "arvit/target/input.hpp"

namespace arvit {

namespace detail {
/// difference[i] = images[i + 1] - images[i] along rows of `columns` pixels; 0 at their ends.
template <class T> struct HorizontalDifferenceWork {
  const T* images;
  T* difference;
  int columns;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    difference[i] = i % columns + 1 < columns ? images[i + 1] - images[i] : T{0};
  }
};
}  // namespace detail

/// What a pixel lacks to its right neighbour, channel by channel, in the patch's order (row,
/// column, channel), channel fastest. Differences cross patch borders; the image's last column has
/// zeros.
struct HorizontalDifference {
  template <class Grid> static constexpr int width = Grid::patch_width;
  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const ArenaScope scope(c.arena);
    const auto pixels = in.batch.pixels;  // [images, channels, rows, columns]
    const auto difference = c.arena.template span<Statistic<D>, SpaceOf<D>>(pixels.size());
    c.device.for_each(pixels.size(), detail::HorizontalDifferenceWork<Statistic<D>>{
                                         pixels.data(), difference.data(), Grid::width});
    c.run(ops::TargetPatches<D>{.images = difference,
                                .shape = in.shape,
                                .from = in.from,
                                .standardise = in.standardise,
                                .y = target});
  }
};

}  // namespace arvit
