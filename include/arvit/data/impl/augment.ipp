// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/data/augment.hpp"

namespace arvit {

namespace detail {
/// Resizes so that `result` just covers rows x columns, and gives its central box of that size.
inline PictureView resize_and_center(PictureView picture, int cover_rows, int cover_columns,
                                     int rows, int columns, Interpolation interpolation,
                                     Resizer& resize, Picture& result) {
  // A strip of 1 x 100 000 pixels would grow to gigabytes, of which only the middle is kept.
  constexpr int longest = 16;
  if (picture.width / longest > picture.height)
    picture = picture.crop({0, (picture.width - longest * picture.height) / 2, picture.height,
                            longest * picture.height});
  if (picture.height / longest > picture.width)
    picture = picture.crop({(picture.height - longest * picture.width) / 2, 0,
                            longest * picture.width, picture.width});
  const auto [height, width] = covering_size(picture.height, picture.width, cover_rows,
                                             cover_columns);
  result.reshape(height, width);
  resize(picture, interpolation, result);
  return PictureView(result).crop(central_box(height, width, rows, columns));
}
}  // namespace detail

ARVIT_DEFINITION Box draw_crop(int height, int width, const TrainTransformOptions& options,
                               Stream& stream) {
  const double area = static_cast<double>(height) * width;
  const double low = std::log(options.smallest_aspect), high = std::log(options.largest_aspect);
  const auto uniform = [&](double from, double to) {
    return from + (to - from) * static_cast<double>(stream.uniform());
  };
  const auto rounded = [](double value) {
    return static_cast<std::int64_t>(std::nearbyint(value));
  };
  const auto placed = [&](int rows, int columns) {
    const auto top = static_cast<int>(stream.below(static_cast<std::uint32_t>(height - rows) + 1));
    const auto left = static_cast<int>(
        stream.below(static_cast<std::uint32_t>(width - columns) + 1));
    return Box{top, left, rows, columns};
  };
  const int draws = options.crop == Crop::clamped ? 1 : 10;
  for (int draw = 0; draw < draws; ++draw) {
    // columns * rows = target, columns / rows = aspect.
    const double target = area * uniform(options.smallest_area, options.largest_area);
    const double aspect = std::exp(uniform(low, high));
    const std::int64_t columns = rounded(std::sqrt(target * aspect));
    const std::int64_t rows = rounded(std::sqrt(target / aspect));
    if (options.crop == Crop::clamped)
      return placed(static_cast<int>(std::clamp<std::int64_t>(rows, 1, height)),
                    static_cast<int>(std::clamp<std::int64_t>(columns, 1, width)));
    if (columns > 0 && columns <= width && rows > 0 && rows <= height)
      return placed(static_cast<int>(rows), static_cast<int>(columns));
  }
  // No draw fitted: the largest central crop whose aspect is allowed.
  const double aspect = static_cast<double>(width) / height;
  std::int64_t rows = height, columns = width;
  if (aspect < options.smallest_aspect)
    rows = rounded(width / options.smallest_aspect);
  else if (aspect > options.largest_aspect)
    columns = rounded(height * options.largest_aspect);
  rows = std::clamp<std::int64_t>(rows, 1, height);
  columns = std::clamp<std::int64_t>(columns, 1, width);
  return {static_cast<int>((height - rows) / 2), static_cast<int>((width - columns) / 2),
          static_cast<int>(rows), static_cast<int>(columns)};
}

ARVIT_DEFINITION TrainTransform::TrainTransform(const TrainTransformOptions& options)
    : options_(options), normalise_(options.normalisation) {
  const auto& o = options;
  if (o.height <= 0 || o.width <= 0)
    fail<OptionError>("TrainTransform: size ", o.height, "x", o.width,
                      "; both extents must be positive.");
  if (!(0 < o.smallest_area && o.smallest_area <= o.largest_area && o.largest_area <= 1))
    fail<OptionError>("TrainTransform: crop area from ", o.smallest_area, " to ", o.largest_area,
                      "; expected 0 < smallest <= largest <= 1.");
  if (!(0 < o.smallest_aspect && o.smallest_aspect <= o.largest_aspect &&
        std::isfinite(o.largest_aspect)))
    fail<OptionError>("TrainTransform: crop aspect from ", o.smallest_aspect, " to ",
                      o.largest_aspect, "; expected 0 < smallest <= largest.");
  if (!(0 <= o.flip && o.flip <= 1))
    fail<OptionError>("TrainTransform: flip ", o.flip, "; a probability lies between 0 and 1.");
}

ARVIT_DEFINITION void TrainTransform::operator()(PictureView picture, Counter image, float* out) {
  if (picture.empty())
    fail<ShapeError>("TrainTransform: picture ", image.image, " has ", picture.height, "x",
                     picture.width, " pixels; it must have at least one.");
  Stream crops(image.with(Purpose::crop)), flips(image.with(Purpose::flip));
  const bool mirrored = static_cast<double>(flips.uniform()) < options_.flip;
  if (options_.crop == Crop::short_side || options_.crop == Crop::center) {
    const PictureView central = detail::resize_and_center(
        picture, options_.height, options_.width, options_.height, options_.width,
        options_.interpolation, resize_, resized_);
    if (options_.crop == Crop::center) return normalise_(central, mirrored, out);
    const auto any = [&](int sides, int wanted) {
      return static_cast<int>(crops.below(static_cast<std::uint32_t>(sides - wanted) + 1));
    };
    const int top = any(resized_.height(), options_.height);
    const int left = any(resized_.width(), options_.width);
    normalise_(PictureView(resized_).crop({top, left, options_.height, options_.width}), mirrored,
               out);
  } else {
    resized_.reshape(options_.height, options_.width);
    resize_(picture.crop(draw_crop(picture.height, picture.width, options_, crops)),
            options_.interpolation, resized_);
    normalise_(resized_, mirrored, out);
  }
}

ARVIT_DEFINITION EvaluationTransform::EvaluationTransform(const EvaluationTransformOptions& options)
    : options_(options), normalise_(options.normalisation) {
  if (options.height <= 0 || options.width <= 0)
    fail<OptionError>("EvaluationTransform: size ", options.height, "x", options.width,
                      "; both extents must be positive.");
  const double ratio = options.ratio.value_or(
      std::min(options.height, options.width) < 96 ? 1.0 : 256.0 / 224);
  if (!(1 <= ratio && ratio <= 16))
    fail<OptionError>("EvaluationTransform: ratio ", ratio, "; expected 1 to 16.");
  cover_rows_ = static_cast<int>(std::lround(options.height * ratio));
  cover_columns_ = static_cast<int>(std::lround(options.width * ratio));
}

ARVIT_DEFINITION PictureView EvaluationTransform::pixels(PictureView picture) {
  if (picture.empty())
    fail<ShapeError>("EvaluationTransform: a picture of ", picture.height, "x", picture.width,
                     " pixels; it must have at least one.");
  return detail::resize_and_center(picture, cover_rows_, cover_columns_, options_.height,
                                   options_.width, options_.interpolation, resize_, resized_);
}

}  // namespace arvit
