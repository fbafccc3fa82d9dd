// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

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
  /// Onto [-1, 1].
  static constexpr Normalisation half() { return {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}}; }
};

/// The statistics of about `most` pictures of the set, evenly spaced; of a channel that never
/// varies the deviation counts as 1. Pictures that cannot be read do not count: what to do with
/// them is the loader's choice, and it names them.
template <Dataset S> Normalisation measure_normalisation(const S& set, std::int64_t most = 10000) {
  const std::int64_t size = set.size();
  const std::int64_t step = std::max<std::int64_t>(1, size / std::max<std::int64_t>(1, most));
  std::array<double, 3> sum{}, squares{};
  double count = 0;
  for (std::int64_t i = 0; i < size; i += step) {
    try {
      const auto& picture = steady_picture(set, i);
      const PictureView view = picture;
      for (int y = 0; y < view.height; ++y)
        for (int x = 0; x < view.width; ++x)
          for (std::size_t c = 0; c < 3; ++c) {
            const double value = view.row(y)[3 * x + static_cast<int>(c)] / 255.0;
            sum[c] += value;
            squares[c] += value * value;
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
    const double mean = sum[c] / count;
    const double variance = squares[c] / count - mean * mean;  // E(v^2) - E(v)^2
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
        const float scaled = static_cast<float>(v) / 255.0f;
        const float centered = scaled - n.mean[c];
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
  /// Torchvision's RandomResizedCrop (Szegedy et al. 2015): up to ten draws of area and aspect,
  /// else the largest central crop.
  random_resized,
  clamped,  ///< one draw, cut to the picture's sides (MAE's linear probe)
  /// Resize until the model's size is just covered, then any window of that size (SemAIM's linear
  /// probe).
  short_side,
  center,  ///< resize so, then the central window: nothing is drawn
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

#if !defined(ARVIT_COMPILED)
#include "arvit/data/impl/augment.ipp"
#endif
