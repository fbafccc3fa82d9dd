// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <vector>

#include "arvit/core/linkage.hpp"

/// How near a changed picture is to the original one; colours in [0, 1], white is 1. Computed in
/// double.
namespace arvit {

/// Mean squared difference. ShapeError unless the values are equally many.
double squared_error(std::span<const float> original, std::span<const float> changed);
/// Peak signal-to-noise ratio in dB of all values together; infinite where they are equal.
/// ShapeError likewise.
double psnr(std::span<const float> original, std::span<const float> changed);

inline constexpr int ssim_window = 11;  ///< side of the window, in pixels

/// Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004, Eq. 13) of pictures [channels,
/// height, width] around every pixel whose window lies inside them, the mean over channels: [height
/// - 10, width - 10]. The window is a Gaussian of deviation 1.5; K1 = 0.01, K2 = 0.03. ShapeError
/// for pictures of different or no whole sizes, or smaller than the window.
std::vector<double> ssim_map(std::span<const float> original, std::span<const float> changed,
                             int height, int width);
/// Its mean.
double ssim(std::span<const float> original, std::span<const float> changed, int height, int width);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/image_quality.ipp"
#endif
