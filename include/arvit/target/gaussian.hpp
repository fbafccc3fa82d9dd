// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <ratio>

#include "arvit/core/arena.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

/// SAIM Eq. 7: patches of the blurred image. The blur crosses patch borders; zero padding; Sigma in
/// pixels. Patches are cut after it.
template <int KernelSide, class Sigma = std::ratio<1>> struct Gaussian {
  static constexpr bool has_center = KernelSide > 0 && KernelSide % 2 == 1, blurs = Sigma::num > 0;
  static constexpr bool well_formed = has_center && blurs;
  static_assert(
      has_center,
      "Gaussian<KernelSide>: KernelSide must be odd, so that the blur has a centre pixel.");
  static_assert(
      blurs, "Gaussian<KernelSide, Sigma>: Sigma is a deviation in pixels; it must be positive.");
  template <class Grid> static constexpr int width = Grid::patch_width;

  /// One-dimensional weights, summing to 1; the two-dimensional kernel is their outer product.
  template <class T> static std::array<T, KernelSide> kernel() {
    std::array<double, KernelSide> weight{};
    double sum = 0;
    for (int i = 0; i < KernelSide; ++i) {
      const double distance = i - (KernelSide - 1) / 2,
                   sigma = static_cast<double>(Sigma::num) / static_cast<double>(Sigma::den);
      sum += weight[i] = std::exp(-distance * distance / (2 * sigma * sigma));
    }
    std::array<T, KernelSide> result{};
    for (int i = 0; i < KernelSide; ++i) result[i] = static_cast<T>(weight[i] / sum);
    return result;
  }

  template <class Grid, Device D>
  static void values(D& device, Arena& arena, Span<const Statistic<D>, SpaceOf<D>> images,
                     ImageShape shape, PatchRows<SpaceOf<D>> from, bool standardise,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const ArenaScope scope(arena);
    const auto blurred = arena.span<Statistic<D>, SpaceOf<D>>(images.size());
    const auto weights = arena.span<Statistic<D>, SpaceOf<D>>(KernelSide);
    device.upload(kernel<Statistic<D>>().data(), weights);
    device.blur(images, shape, weights, blurred);
    device.target_patches(blurred, shape, from, standardise, target);
  }
};

}  // namespace arvit
