// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <ratio>

#include "arvit/target/input.hpp"

namespace arvit {

/// SAIM Eq. 7: patches of the blurred image. The blur crosses patch borders; zero padding; Sigma in
/// pixels. Patches are cut after it.
template <int KernelSide, class Sigma = std::ratio<1>> struct Gaussian {
  static constexpr bool has_center = KernelSide > 0 && KernelSide % 2 == 1, blurs = Sigma::num > 0;
  static constexpr bool well_formed = has_center && blurs, is_picture = true;
  static_assert(
      has_center,
      "Gaussian<KernelSide>: KernelSide must be odd, so that the blur has a centre pixel.");
  static_assert(KernelSide < BlurTaps<float>::most,
                "Gaussian<KernelSide>: a kernel has at most 63 pixels a side; use a smaller one.");
  static_assert(
      blurs, "Gaussian<KernelSide, Sigma>: Sigma is a deviation in pixels; it must be positive.");
  template <class Grid> static constexpr int width = Grid::patch_width;

  /// One-dimensional weights, summing to 1; the two-dimensional kernel is their outer product.
  template <class T> static BlurTaps<T> kernel() {
    constexpr double sigma = static_cast<double>(Sigma::num) / static_cast<double>(Sigma::den);
    std::array<double, KernelSide> weight{};
    double sum = 0;
    for (int i = 0; i < KernelSide; ++i) {
      const double distance = i - (KernelSide - 1) / 2;
      weight[i] = std::exp(-distance * distance / (2 * sigma * sigma));
      sum += weight[i];
    }
    BlurTaps<T> taps{KernelSide};
    for (int i = 0; i < KernelSide; ++i) taps.weight[i] = static_cast<T>(weight[i] / sum);
    return taps;
  }

  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const ArenaScope scope(c.arena);
    const auto blurred = c.arena.template span<Statistic<D>, SpaceOf<D>>(in.batch.pixels.size());
    c.run(ops::Blur<D>{.images = in.batch.pixels,
                       .shape = in.shape,
                       .taps = kernel<Statistic<D>>(),
                       .result = blurred});
    c.run(ops::TargetPatches<D>{.images = blurred,
                                .shape = in.shape,
                                .from = in.from,
                                .standardise = in.standardise,
                                .y = target});
  }
};

}  // namespace arvit
