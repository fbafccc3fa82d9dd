// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

/// The patch's own pixels, (row, column, channel), channel fastest (MAE, SAIM without blur).
struct Pixel {
  template <class Grid> static constexpr int width = Grid::patch_width;
  template <class Grid, Device D>
  static void values(D& device, Arena&, Span<const Statistic<D>, SpaceOf<D>> images,
                     ImageShape shape, PatchRows<SpaceOf<D>> from, bool standardise,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    device.target_patches(images, shape, from, standardise, target);
  }
};

}  // namespace arvit
