// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace arvit {

/// Three colour channels cut into square patches, read row by row.
template <int Height, int Width, int Patch> struct ImageGrid {
  static constexpr bool cuts = Patch > 0, holds_patch = Height >= Patch && Width >= Patch,
                        divides = cuts && Height % Patch == 0 && Width % Patch == 0;
  static constexpr bool well_formed = cuts && holds_patch && divides;
  static_assert(cuts, "ImageGrid<Height, Width, Patch>: Patch counts pixels; it must be positive.");
  static_assert(holds_patch || !cuts,
                "ImageGrid<Height, Width, Patch>: the image must hold at least one patch.");
  static_assert(divides || !holds_patch || !cuts,
                "ImageGrid<Height, Width, Patch>: Patch must divide Height and Width; choose a "
                "multiple of Patch.");
  static constexpr int channels = 3, height = Height, width = Width, patch = Patch;
  static constexpr int rows = Height / Patch, columns = Width / Patch, patches = rows * columns;
  static constexpr int patch_width = channels * Patch * Patch;  ///< numbers in one patch
  /// Numbers in one image, stored [channel, row, column].
  static constexpr int image_width = channels * Height * Width;
};

}  // namespace arvit
