// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/buffer.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/device/concept.hpp"

/// Pictures as words: every patch is replaced by the number of the centroid that is nearest to it.
/// With a patch of one pixel the codebook is a palette of colours, as iGPT's (Chen et al. 2020,
/// section 3.2). teacher/fit_codebook.hpp makes codebooks.
namespace arvit {

/// Entries are colours in [0, 1], not normalised, so that a codebook belongs to no run; inside a
/// patch they are ordered (row, column, channel), channel fastest, as in a target patch
/// (PatchOrder::channel_last).
struct Codebook {
  int patch = 1;                 ///< side, in pixels
  std::vector<float> centroids;  ///< [codes(), width()]
  std::string data;              ///< the pictures that it was fitted to, in one line
  std::uint64_t seed = 0;        ///< that it was fitted with
  /// Mean squared distance of a patch from its centroid, per entry; on the scale where white is 1.
  double inertia = 0;
  /// contents_text() of those pictures, and the size that they were brought to, in pixels; "" and
  /// 0: not known.
  std::string contents = {};
  int picture_height = 0, picture_width = 0;

  int width() const { return 3 * patch * patch; }
  int codes() const {
    return static_cast<int>(static_cast<std::int64_t>(centroids.size()) / width());
  }
};

inline constexpr std::string_view codebook_format = "arvit codebook";  ///< metadata "format"
inline constexpr int most_codes = 1 << 24;  ///< so that every code is exact as a float

/// ShapeError unless there are 2 to most_codes whole centroids with entries in [0, 1].
void check(const Codebook& codebook);
/// Tells codebooks of other patches or centroids apart.
std::string identity_of(const Codebook& codebook);

/// A safetensors file: the tensor "centroids" and, as metadata, everything else. Written
/// atomically; FileError as everywhere.
void save_codebook(const std::filesystem::path& path, const Codebook& codebook);
/// FileError for a file that is missing, damaged or no codebook.
Codebook load_codebook(const std::filesystem::path& path);

/// ShapeError unless the image has three channels and is made of whole patches.
void check_patches(const ImageShape& shape);

/// Cuts images [images, 3, shape.height, shape.width], normalised with `normalisation`, into
/// patches in reading order, with their colours in [0, 1] again: patches [images * shape.patches(),
/// shape.patch_width()], entries ordered as a codebook's.
void cut_patches(const float* images, std::int64_t count, const ImageShape& shape,
                 const Normalisation& normalisation, float* patches);

/// The picture [3, height, width], colours in [0, 1], whose patches in reading order are the
/// centroids of `codes`.
std::vector<float> picture_of_codes(const Codebook& codebook, std::span<const std::int32_t> codes,
                                    int height, int width);

namespace detail {
/// codes[row] = the first column that holds the row's largest score. Twice as fast as keeping the
/// place with the maximum: the lanes are independent.
struct FirstLargest {
  const float* scores;
  std::int64_t columns;
  std::int32_t* codes;
  ARVIT_HOST_DEVICE void operator()(std::int64_t row) const {
    constexpr int lanes = 16;
    const float* const score = scores + row * columns;
    const auto larger = [](float a, float b) { return b > a ? b : a; };
    float most[lanes];
    for (float& lane : most) lane = score[0];
    std::int64_t column = 0;
    for (; column + lanes <= columns; column += lanes)
      for (int lane = 0; lane < lanes; ++lane)
        most[lane] = larger(most[lane], score[column + lane]);
    for (; column < columns; ++column) most[0] = larger(most[0], score[column]);
    for (int lane = 1; lane < lanes; ++lane) most[0] = larger(most[0], most[lane]);
    std::int32_t first = 0;
    while (first + 1 < columns && score[first] != most[0]) ++first;
    codes[row] = first;
  }
};
}  // namespace detail

/// The nearest centroid by Euclidean distance, as one matrix product: the code with the largest x .
/// c - |c|^2 / 2, of equal ones the lowest. Memory on the device: the centroids, and about 4 MiB of
/// scores whatever the number of patches.
template <Device D> class NearestCode {
  static_assert(std::same_as<Activation<D>, float> && std::same_as<Weight<D>, float>,
                "NearestCode<Device>: distances between neighbouring centroids need fp32; use a "
                "device of precision Fp32, beside that of a model in bf16.");

 public:
  NearestCode(D& device, const Codebook& codebook)
      : device_(device),
        width_((check(codebook), codebook.width())),
        codes_(codebook.codes()),
        block_(std::max<std::int64_t>(64, (1 << 20) / codes_)),
        centroids_(device, codes_ * width_),
        bias_(device, codes_),
        patches_(device, block_ * width_),
        scores_(device, block_ * codes_),
        nearest_(device, block_) {
    load(codebook.centroids);
  }
  /// Other centroids of the same shape.
  void load(std::span<const float> centroids) {
    if (static_cast<std::int64_t>(centroids.size()) != codes_ * width_)
      fail<ShapeError>("NearestCode: ", centroids.size(), " numbers are no ", codes_,
                       " centroids of ", width_, "; make another NearestCode for another shape.");
    std::vector<float> bias(codes_);
    for (std::int64_t code = 0; code < codes_; ++code) {
      double square = 0;
      for (std::int64_t c = code * width_; c < (code + 1) * width_; ++c)
        square += static_cast<double>(centroids[c]) * centroids[c];
      bias[code] = static_cast<float>(-square / 2);
    }
    device_.upload(centroids.data(), centroids_.span());
    device_.upload(bias.data(), bias_.span());
  }
  std::int64_t bytes() const {
    return centroids_.bytes() + bias_.bytes() + patches_.bytes() + scores_.bytes() +
           nearest_.bytes();
  }
  /// patches [rows, width], on the host -> codes [rows], on the host.
  void operator()(const float* patches, std::int64_t rows, std::int32_t* codes) {
    for (std::int64_t first = 0; first < rows; first += block_) {
      const std::int64_t count = std::min(block_, rows - first);
      device_.upload(patches + first * width_, patches_.span().part(0, count * width_));
      device_.run(ops::Linear<D>{.x = {patches_.data(), count, width_},
                                 .w = {centroids_.data(), codes_, width_},
                                 .bias = {bias_.span()},
                                 .y = {scores_.data(), count, codes_}});
      device_.for_each(count, detail::FirstLargest{scores_.data(), codes_, nearest_.data()});
      device_.download(nearest_.span().part(0, count), codes + first);
    }
  }

 private:
  D& device_;
  std::int64_t width_, codes_, block_;
  Buffer<D, float> centroids_, bias_, patches_, scores_;
  Buffer<D, std::int32_t> nearest_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/codebook.ipp"
#endif
