// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include "arvit/target/input.hpp"

namespace arvit {

/// The mean colour of a patch: three numbers, through a device functor.
struct MeanColour {
  template <class Grid> static constexpr int width = Grid::channels;
  template <class T> struct Work {
    const T* patches;
    T* target;
    int channels, pixels;
    ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
      T sum = 0;
      for (int p = 0; p < pixels; ++p)
        sum += patches[(i / channels * pixels + p) * channels + i % channels];
      target[i] = sum / static_cast<T>(pixels);
    }
  };
  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const ArenaScope scope(c.arena);
    const auto patches = take_statistics<Grid::patch_width>(c, target.rows());
    c.run(ops::TargetPatches<D>{.images = in.batch.pixels,
                                .shape = in.shape,
                                .from = in.from,
                                .standardise = in.standardise,
                                .y = patches});
    c.device.for_each(target.rows() * Grid::channels,
                      Work<Statistic<D>>{patches.data(), target.data(), Grid::channels,
                                         Grid::patch * Grid::patch});
  }
};

}  // namespace arvit
