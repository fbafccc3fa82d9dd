// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

/// Where patches lie in a batch of images.
namespace arvit {

/// Extents of a batch of planar images: [images, channels, height, width].
struct ImageShape {
  int channels, height, width, patch;
  constexpr int rows() const { return height / patch; }
  constexpr int columns() const { return width / patch; }
  constexpr int patches() const { return rows() * columns(); }
  constexpr std::int64_t size() const { return std::int64_t{channels} * height * width; }
  constexpr int patch_width() const { return channels * patch * patch; }
};

/// The order of numbers in a patch vector: as a convolution's weight; as MAE's target.
enum class PatchOrder : char { channel_first, channel_last };

/// Where packed rows come from: source = image * patches + place in the image's order, or -1 -
/// image for a class token. permutation[source] is the patch, in reading order.
template <class Space> struct PatchRows { Span<const std::int32_t, Space> source, permutation; };

namespace ops::detail {
inline void check_images(std::string_view name, std::int64_t numbers, const ImageShape& shape) {
  if (numbers % shape.size() != 0)
    fail<ShapeError>(name, ": ", numbers, " numbers are no whole number of images of ",
                     shape.size(), ".");
}
}  // namespace ops::detail
}  // namespace arvit
