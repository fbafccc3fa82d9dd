// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/fit_codebook.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/augment.hpp"

namespace arvit {
namespace detail {

/// Patches [rows, width] of the pictures that a loader gives.
class PatchStream {
 public:
  /// `most` of each picture, drawn without replacement; all, in reading order, when it has no more.
  PatchStream(const AnyDataset& set, const CodebookOptions& options, LoaderOptions loading,
              std::int64_t most)
      : shape_{3, options.height, options.width, options.patch},
        most_(std::min<std::int64_t>(most, shape_.patches())),
        seed_(options.seed),
        loader_(set,
                EvaluationTransform(
                    {.height = options.height, .width = options.width, .normalisation = {}}),
                std::move(loading)),
        cut_(shape_.size()),
        order_(shape_.patches()) {}

  /// Replaces `patches` by at least `rows` of them, fewer where the loader ends.
  void next(std::int64_t rows, std::vector<float>& patches) {
    const std::int64_t width = shape_.patch_width();
    patches.clear();
    while (static_cast<std::int64_t>(patches.size()) < rows * width) {
      const LoadedBatch* const batch = loader_.next();
      if (batch == nullptr) return;
      for (std::int64_t i = 0; i < batch->size; ++i) {
        cut_patches(batch->pixels.data() + i * shape_.size(), 1, shape_, Normalisation{},
                    cut_.data());
        std::iota(order_.begin(), order_.end(), 0);
        if (most_ < shape_.patches()) {
          Stream stream(Counter{seed_, batch->epoch, static_cast<std::uint32_t>(batch->indices[i]),
                                Purpose::codebook});
          for (std::int64_t p = 0; p < most_; ++p)
            std::swap(order_[p],
                      order_[p + stream.below(static_cast<std::uint32_t>(shape_.patches() - p))]);
        }
        for (std::int64_t p = 0; p < most_; ++p) {
          const float* const from = cut_.data() + order_[p] * width;
          patches.insert(patches.end(), from, from + width);
        }
      }
    }
  }

 private:
  ImageShape shape_;
  std::int64_t most_;
  std::uint64_t seed_;
  Loader<AnyDataset, EvaluationTransform> loader_;
  std::vector<float> cut_;  // the patches of one picture
  std::vector<int> order_;
};

/// The centroids of a k-means, and how they move.
class KMeans {
 public:
  KMeans(Cpu<Fp32>& device, Codebook codebook)
      : device_(device),
        book_(std::move(codebook)),
        width_(book_.width()),
        codes_(book_.codes()),
        nearest_(device, book_),
        weight_(codes_) {}

  const Codebook& codebook() const { return book_; }

  /// Assigns patches to codes; `again`: the patches of the last time.
  FitStep assign(std::span<const float> patches, bool again) {
    const std::int64_t rows = static_cast<std::int64_t>(patches.size()) / width_;
    std::vector<std::int32_t> before = std::exchange(code_, std::vector<std::int32_t>(rows));
    if (!again) before.assign(code_.size(), -1);
    distance_.resize(code_.size());
    nearest_.load(book_.centroids);
    nearest_(patches.data(), rows, code_.data());
    device_.for_each(rows, [&](std::int64_t r) {
      distance_[r] = distance(patches.data() + r * width_, centroid(code_[r]));
    });
    step_.changed = 0;
    for (std::size_t r = 0; r < code_.size(); ++r) step_.changed += code_[r] != before[r];
    step_.inertia = std::accumulate(distance_.begin(), distance_.end(), 0.0) /
                    (static_cast<double>(rows) * static_cast<double>(width_));
    book_.inertia = step_.inertia;
    return step_;
  }
  /// Moves every centroid to the mean of the patches assigned now and those that it had `weight` of
  /// before.
  void move(std::span<const float> patches) {
    std::vector<std::int64_t> end(codes_ + 1);
    for (const std::int32_t code : code_) ++end[code + 1];
    std::partial_sum(end.begin(), end.end(), end.begin());
    std::vector<std::int64_t> place(end.begin(), end.end() - 1);
    std::vector<std::int64_t> rows(code_.size());  // by code, so that each sum has its order
    for (std::size_t r = 0; r < code_.size(); ++r)
      rows[place[code_[r]]++] = static_cast<std::int64_t>(r);
    device_.for_each(codes_, [&](std::int64_t code) {
      const std::int64_t count = end[code + 1] - end[code];
      if (count == 0) return;
      float* const mean = centroid(code);
      std::vector<double> sum(mean, mean + width_);
      for (double& value : sum) value *= static_cast<double>(weight_[code]);
      for (std::int64_t i = end[code]; i < end[code + 1]; ++i)
        for (std::int64_t c = 0; c < width_; ++c) sum[c] += patches[rows[i] * width_ + c];
      weight_[code] += count;
      for (std::int64_t c = 0; c < width_; ++c)
        mean[c] = static_cast<float>(sum[c] / static_cast<double>(weight_[code]));
    });
    ++step_.iteration;
  }
  /// Forgets what the centroids were the means of.
  void forget() { std::fill(weight_.begin(), weight_.end(), 0); }
  /// Gives the codes that are the mean of no patch the patches that are farthest from all
  /// centroids.
  void reseed(std::span<const float> patches) {
    for (std::int64_t code = 0; code < codes_; ++code) {
      if (weight_[code] > 0) continue;
      const auto farthest = std::max_element(distance_.begin(), distance_.end()) -
                            distance_.begin();
      if (!(distance_[farthest] > 0))
        return;  // every patch is a centroid; nothing is left to represent
      std::copy_n(patches.begin() + farthest * width_, width_, centroid(code));
      weight_[code] = 1;
      ++step_.reseeded;
      lower_distances(patches, centroid(code), distance_);
    }
  }
  /// k-means++: each centroid is a patch drawn with a probability proportional to its squared
  /// distance from the centroids before it. Returns the number of centroids; fewer than the codes
  /// when there are no more distinct patches.
  std::int64_t start(std::span<const float> patches, Stream stream) {
    const std::int64_t rows = static_cast<std::int64_t>(patches.size()) / width_;
    std::vector<float> left(rows, std::numeric_limits<float>::infinity());
    std::int64_t row = stream.below(static_cast<std::uint32_t>(rows));
    for (std::int64_t code = 0; true;) {
      std::copy_n(patches.begin() + row * width_, width_, centroid(code));
      if (++code == codes_) return code;
      lower_distances(patches, centroid(code - 1), left);
      double rest = std::accumulate(left.begin(), left.end(), 0.0) *
                    (static_cast<double>(stream.bits()) * 0x1p-32);
      row = -1;
      for (std::int64_t r = 0; r < rows && rest >= 0; ++r)
        if (left[r] > 0) {
          row = r;
          rest -= left[r];
        }
      if (row < 0) return code;
    }
  }

 private:
  float* centroid(std::int64_t code) { return book_.centroids.data() + code * width_; }
  float distance(const float* a, const float* b) const {
    using Values = Eigen::Map<const Eigen::ArrayXf>;
    return (Values(a, width_) - Values(b, width_)).square().sum();
  }
  void lower_distances(std::span<const float> patches, const float* point,
                       std::vector<float>& distances) {
    device_.for_each(static_cast<std::int64_t>(distances.size()), [&](std::int64_t r) {
      float& known = distances[r];
      known = std::min(known, distance(patches.data() + r * width_, point));
    });
  }

  Cpu<Fp32>& device_;
  Codebook book_;
  std::int64_t width_, codes_;
  NearestCode<Cpu<Fp32>> nearest_;
  std::vector<std::int64_t> weight_;  // patches that the centroid is the mean of
  std::vector<std::int32_t> code_;    // of the patches assigned last
  std::vector<float> distance_;       // squared, of these patches
  FitStep step_;
};

ARVIT_DEFINITION void check_codebook_options(const CodebookOptions& o, std::int64_t patches) {
  if (o.patch < 1 || o.height < 1 || o.width < 1 || o.height % o.patch != 0 ||
      o.width % o.patch != 0)
    fail<OptionError>("codebook: patches of ", o.patch, " x ", o.patch,
                      " pixels do not divide pictures of ", o.height, " x ", o.width,
                      "; choose a patch that divides both sides.");
  if (o.codes < 2 || o.codes > most_codes)
    fail<OptionError>("codebook: ", o.codes, " codes; choose 2 to ", most_codes, ".");
  if (o.codes > patches)
    fail<OptionError>("codebook: ", o.codes, " codes for ", patches,
                      " patches; choose fewer codes, or give more pictures.");
  if (o.sample < o.codes || o.sample > std::numeric_limits<std::int32_t>::max())
    fail<OptionError>("codebook: a sample of ", o.sample, " patches; choose ", o.codes,
                      " (one per code) to ", std::numeric_limits<std::int32_t>::max(), ".");
  if (o.batch < 1)
    fail<OptionError>("codebook: mini-batches of ", o.batch, " patches; choose 1 or more.");
  if (o.iterations < 0)
    fail<OptionError>("codebook: ", o.iterations, " iterations; choose 0 or more.");
  if (o.init) {
    check(*o.init);
    if (o.init->patch != o.patch || o.init->codes() != o.codes)
      fail<OptionError>("codebook: the one to continue from has ", o.init->codes(),
                        " codes of patch ", o.init->patch, ", ", o.codes, " of patch ", o.patch,
                        " were asked for; they must be equal.");
  }
}

}  // namespace detail

ARVIT_DEFINITION CodebookFit fit_codebook(Cpu<Fp32>& device, const AnyDataset& set,
                                          const CodebookOptions& options) {
  const std::int64_t per_picture = options.patch < 1
                                       ? 0
                                       : std::int64_t{options.height / options.patch} *
                                             (options.width / options.patch);
  detail::check_codebook_options(options, set.size() * per_picture);
  const std::int64_t width = std::int64_t{3} * options.patch * options.patch;
  CodebookFit fit;
  fit.complete = set.size() * per_picture <= options.sample;
  LoaderOptions loading{.batch = 64,
                        .threads = device.threads(),
                        .seed = options.seed,
                        .shuffle = !fit.complete,
                        .drop_last = false,
                        .epochs = fit.complete ? 1 : 0};
  loading.on_bad_file = options.on_bad_file;
  detail::PatchStream stream(set, options, std::move(loading), fit.complete ? per_picture : 64);
  std::vector<float> held, fresh;
  stream.next(options.sample, held);
  held.resize(std::min(options.sample * width, static_cast<std::int64_t>(held.size())));
  fit.patches = static_cast<std::int64_t>(held.size()) / width;

  Codebook codebook{options.patch,
                    std::vector<float>(options.codes * width),
                    describe(set),
                    options.seed,
                    0,
                    contents_text(set),
                    options.height,
                    options.width};
  if (options.init) codebook.centroids = options.init->centroids;
  detail::KMeans means(device, std::move(codebook));
  if (!options.init) {
    const Stream random(Counter{options.seed, 0, 0, Purpose::codebook}.with(Purpose::codebook, 0));
    std::vector<float> few;
    for (const std::int64_t r :
         hold_out(fit.patches, std::min(fit.patches, std::int64_t{16} * options.codes),
                  options.seed)
             .first)
      few.insert(few.end(), held.begin() + r * width, held.begin() + (r + 1) * width);
    if (means.start(few, random) < options.codes)  // the other patches may differ more
      if (const auto found = means.start(held, random); found < options.codes)
        fail<OptionError>("codebook: ", options.codes, " codes for patches of which only ", found,
                          " are distinct; choose fewer codes, or give more pictures.");
  }

  FitStep step = means.assign(held, false);
  options.progress(step);
  const int most = fit.complete ? options.iterations : (options.iterations + 1) / 2;
  while (step.iteration < most && !fit.converged) {
    means.forget();
    means.move(held);
    means.reseed(held);
    step = means.assign(held, true);
    options.progress(step);
    fit.converged = fit.complete && step.changed == 0;
  }
  if (!fit.complete && options.iterations > 1) {
    for (int i = step.iteration; i < options.iterations; ++i) {
      stream.next(options.batch, fresh);
      options.progress(means.assign(fresh, false));
      means.move(fresh);
    }
    step = means.assign(held, false);
  }
  fit.iterations = step.iteration;
  fit.reseeded = step.reseeded;
  fit.codebook = means.codebook();
  return fit;
}

}  // namespace arvit
