// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/show/canvas.hpp"
#include "arvit/show/reconstruct.hpp"
#include "arvit/teacher/codebook.hpp"

/// What a codebook keeps of pictures, as numbers and as a picture.
namespace arvit {

/// Every patch of images [images, 3, height, width], colours in [0, 1], replaced by its centroid.
template <Device D>
std::vector<float> coded_pictures(D& device, const Codebook& codebook,
                                  std::span<const float> images, int height, int width) {
  const ImageShape shape{3, height, width, codebook.patch};
  check_patches(shape);
  if (static_cast<std::int64_t>(images.size()) % shape.size() != 0)
    fail<ShapeError>("codebook: ", images.size(), " numbers are no whole number of pictures of ",
                     shape.size(), ".");
  const std::int64_t count = static_cast<std::int64_t>(images.size()) / shape.size();
  NearestCode<D> nearest(device, codebook);
  std::vector<float> patches(shape.size()), result;
  std::vector<std::int32_t> codes(shape.patches());
  for (std::int64_t i = 0; i < count; ++i) {
    cut_patches(images.data() + i * shape.size(), 1, shape, Normalisation{}, patches.data());
    nearest(patches.data(), shape.patches(), codes.data());
    const auto picture = picture_of_codes(codebook, codes, height, width);
    result.insert(result.end(), picture.begin(), picture.end());
  }
  return result;
}

/// The first 4096 centroids at most, from dark to bright in reading order.
inline Canvas codebook_sheet(const Codebook& codebook) {
  constexpr int most = 4096;
  std::vector<std::int32_t> order(std::min(codebook.codes(), most));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  const auto brightness = [&](std::int32_t code) {
    double sum = 0;
    for (int c = 0; c < codebook.width(); ++c)
      sum += codebook.centroids[std::int64_t{code} * codebook.width() + c];
    return sum;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return brightness(a) < brightness(b); });
  std::vector<Canvas> patches;
  for (const std::int32_t code : order)
    patches.push_back(
        picture_of(picture_of_codes(codebook, std::span(&code, 1), codebook.patch, codebook.patch),
                   codebook.patch, codebook.patch, {}));
  const std::vector<Pixels> views(patches.begin(), patches.end());
  const double twice_as_wide = std::sqrt(2.0 * static_cast<double>(order.size()));
  return tile(views, std::max(8, static_cast<int>(std::ceil(twice_as_wide))), 1,
              std::max(1, 12 / codebook.patch));
}

/// The sheet of the codebook; below it at most 16 of the pictures, evenly spaced, each above itself
/// in codes.
inline Canvas codebook_picture(const Codebook& codebook, std::span<const float> images,
                               std::span<const float> coded, int height, int width) {
  const std::size_t size = std::size_t{3} * height * width;
  const std::size_t count = images.size() / size, shown = std::min<std::size_t>(16, count);
  std::vector<Canvas> pictures;
  for (const auto& from : {images, coded})
    for (std::size_t i = 0; i < shown; ++i)
      pictures.push_back(
          picture_of(from.subspan(i * count / shown * size, size), height, width, {}));
  const std::vector<Pixels> views(pictures.begin(), pictures.end());
  const Canvas sheet = codebook_sheet(codebook);
  const Canvas rows = tile(views, static_cast<int>(shown), 4,
                           std::max(1, 64 / std::max(height, width)));
  Canvas canvas(sheet.height() + rows.height(), std::max(sheet.width(), rows.width()));
  canvas.draw(sheet, 0, 0);
  canvas.draw(rows, sheet.height(), 0);
  return canvas;
}

}  // namespace arvit
