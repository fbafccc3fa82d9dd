// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/image.hpp"

/// From a picture of any size to the planar floats [3, height, width] that a model reads, as
/// torchvision's transforms of the same names compute them. Random choices depend on nothing but
/// the picture's counter (seed, epoch, index).
namespace arvit {

/// Mean and deviation of each channel, on the scale where white is 1.
struct Normalisation {
  std::array<float, 3> mean{}, deviation{1, 1, 1};
  static constexpr Normalisation imagenet() {
    return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
  }
  static constexpr Normalisation half() {
    return {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  }  ///< onto [-1, 1]
};

/// The statistics of about `most` pictures of the set, evenly spaced; of a channel that never
/// varies the deviation counts as 1. Pictures that cannot be read do not count: what to do with
/// them is the loader's choice, and it names them.
template <Dataset S> Normalisation measure_normalisation(const S& set, std::int64_t most = 10000) {
  const std::int64_t size = set.size(),
                     step = std::max<std::int64_t>(1, size / std::max<std::int64_t>(1, most));
  std::array<double, 3> sum{}, squares{};
  double count = 0;
  for (std::int64_t i = 0; i < size; i += step) {
    try {
      const auto& picture = set.picture(i);
      const PictureView view = picture;
      for (int y = 0; y < view.height; ++y)
        for (int x = 0; x < view.width; ++x)
          for (std::size_t c = 0; c < 3; ++c) {
            const double value = view.row(y)[3 * x + static_cast<int>(c)] / 255.0;
            sum[c] += value, squares[c] += value * value;
          }
      count += static_cast<double>(view.height) * view.width;
    } catch (const FileError&) {
      continue;
    }
  }
  if (count == 0)
    fail<FileError>("measure_normalisation: none of the ", size, " pictures could be read.");
  Normalisation result;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = sum[c] / count, variance = squares[c] / count - mean * mean;
    result.mean[c] = static_cast<float>(mean);
    result.deviation[c] = variance > 1e-12 ? static_cast<float>(std::sqrt(variance)) : 1.0f;
  }
  return result;
}

/// Writes a picture as planar normalised floats: (v / 255 - mean) / deviation, each operation
/// rounded to float as torchvision does.
class Normaliser {
 public:
  explicit Normaliser(const Normalisation& n) {
    for (std::size_t c = 0; c < 3; ++c) {
      if (!(n.deviation[c] > 0))
        fail<OptionError>("Normalisation: deviation ", n.deviation[c], " of channel ", c,
                          "; it must be positive.");
      for (std::size_t v = 0; v < 256; ++v) {
        const float scaled = static_cast<float>(v) / 255.0f, centered = scaled - n.mean[c];
        table_[c][v] = centered / n.deviation[c];
      }
    }
  }
  /// out: [3, height, width]; `mirrored` exchanges left and right.
  void operator()(PictureView picture, bool mirrored, float* out) const {
    for (int y = 0; y < picture.height; ++y) {
      const std::uint8_t* pixel = picture.row(y) + (mirrored ? 3 * (picture.width - 1) : 0);
      const int step = mirrored ? -3 : 3;
      const std::int64_t plane = std::int64_t{picture.height} * picture.width;
      float* row = out + std::int64_t{y} * picture.width;
      for (int x = 0; x < picture.width; ++x, pixel += step) {
        row[x] = table_[0][pixel[0]];
        row[x + plane] = table_[1][pixel[1]];
        row[x + 2 * plane] = table_[2][pixel[2]];
      }
    }
  }

 private:
  std::array<std::array<float, 256>, 3> table_{};
};

/// How the training crop is drawn.
enum class Crop : char {
  random_resized,  ///< torchvision's RandomResizedCrop: up to ten draws of area and aspect, else
                   ///< the largest central crop
  clamped,         ///< one draw, cut to the picture's sides (MAE's linear probe)
  short_side,      ///< resize until the model's size is just covered, then any window of that size
                   ///< (SemAIM's linear probe)
  center,          ///< resize so, then the central window: nothing is drawn
};

/// Pre-training of SAIM (code), SemAIM, D-iGPT and GVP by default; SAIM's paper has smallest_area
/// 0.67.
struct TrainTransformOptions {
  int height = 224, width = 224;  ///< of the model, in pixels
  Crop crop = Crop::random_resized;
  double smallest_area = 0.2, largest_area = 1;  ///< of the crop, as a share of the picture's
  double smallest_aspect = 3.0 / 4, largest_aspect = 4.0 / 3;  ///< width / height of the crop
  double flip = 0.5;                                           ///< probability of mirroring
  Interpolation interpolation = Interpolation::bicubic;
  Normalisation normalisation = Normalisation::imagenet();
};

/// A crop of a picture of height x width pixels: area uniform, aspect log-uniform, place uniform.
Box draw_crop(int height, int width, const TrainTransformOptions& options, Stream& stream);

/// Random crop, resize, mirror, normalise. Holds scratch memory: one copy per thread.
class TrainTransform {
 public:
  /// Options outside their ranges throw OptionError.
  explicit TrainTransform(const TrainTransformOptions& options);
  int height() const { return options_.height; }
  int width() const { return options_.width; }

  /// out: [3, height, width]. `image` names the picture: its purpose is ignored.
  void operator()(PictureView picture, Counter image, float* out);

 private:
  TrainTransformOptions options_;
  Normaliser normalise_;
  Resizer resize_;
  Picture resized_;
};

struct EvaluationTransformOptions {
  int height = 224, width = 224;  ///< of the model, in pixels
  /// The picture is resized to cover `ratio` times the model's size, then its centre is cut out.
  /// None: 256 / 224 as on ImageNet, but 1 for models below 96 pixels, whose pictures have no
  /// border to spare.
  std::optional<double> ratio = std::nullopt;
  Interpolation interpolation = Interpolation::bicubic;
  Normalisation normalisation = Normalisation::imagenet();
};

/// Resize, centre crop, normalise; nothing random. Holds scratch memory: one copy per thread.
class EvaluationTransform {
 public:
  explicit EvaluationTransform(const EvaluationTransformOptions& options);
  int height() const { return options_.height; }
  int width() const { return options_.width; }

  /// The resized and cropped pixels; they stay valid until the next call.
  PictureView pixels(PictureView picture);
  /// out: [3, height, width].
  void operator()(PictureView picture, Counter, float* out) {
    normalise_(pixels(picture), false, out);
  }

 private:
  EvaluationTransformOptions options_;
  Normaliser normalise_;
  Resizer resize_;
  Picture resized_;
  int cover_rows_ = 0, cover_columns_ = 0;
};

}  // namespace arvit

#if ARVIT_DEFINITIONS
namespace arvit {

namespace detail {
/// Resizes so that `result` just covers rows x columns, and gives its central box of that size.
inline PictureView resize_and_center(PictureView picture, int cover_rows, int cover_columns,
                                     int rows, int columns, Interpolation interpolation,
                                     Resizer& resize, Picture& result) {
  constexpr int longest = 16;  // a strip of 1 x 100 000 pixels would grow to gigabytes, of which
                               // only the middle is kept
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
    const double target = area * uniform(options.smallest_area, options.largest_area),
                 aspect = std::exp(uniform(low, high));
    const std::int64_t columns = rounded(std::sqrt(target * aspect)),
                       rows = rounded(std::sqrt(target / aspect));
    if (options.crop == Crop::clamped)
      return placed(static_cast<int>(std::clamp<std::int64_t>(rows, 1, height)),
                    static_cast<int>(std::clamp<std::int64_t>(columns, 1, width)));
    if (columns > 0 && columns <= width && rows > 0 && rows <= height)
      return placed(static_cast<int>(rows), static_cast<int>(columns));
  }
  const double aspect = static_cast<double>(width) / height;
  std::int64_t rows = height, columns = width;
  if (aspect < options.smallest_aspect)
    rows = rounded(width / options.smallest_aspect);
  else if (aspect > options.largest_aspect)
    columns = rounded(height * options.largest_aspect);
  rows = std::clamp<std::int64_t>(rows, 1, height),
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
    const int top = any(resized_.height(), options_.height),
              left = any(resized_.width(), options_.width);
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
#endif  // ARVIT_DEFINITIONS
