// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/target/input.hpp"

namespace arvit {

/// The patch's own pixels, (row, column, channel), channel fastest (MAE, SAIM without blur).
struct Pixel {
  static constexpr bool is_picture = true;
  template <class Grid> static constexpr int width = Grid::patch_width;
  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    c.run(ops::TargetPatches<D>{.images = in.batch.pixels,
                                .shape = in.shape,
                                .from = in.from,
                                .standardise = in.standardise,
                                .y = target});
  }
};

}  // namespace arvit
