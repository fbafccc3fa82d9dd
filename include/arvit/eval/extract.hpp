// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>

#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/eval/feature_table.hpp"
#include "arvit/model/features.hpp"
#include "arvit/train/progress.hpp"

/// From a data set to a table of features. Pictures are decoded on threads of their own while the
/// encoder runs.
namespace arvit {

/// Says on standard error how far a pass over pictures is; on a terminal in one line that is
/// renewed, else once, at the end.
class PassProgress {
 public:
  explicit PassProgress(std::string what) : what_(std::move(what)), begin_(Clock::now()) {}
  void operator()(std::int64_t done, std::int64_t all) {
    const auto now = Clock::now();
    const bool at_end = done >= all;
    if (!at_end && (!terminal_ || now - shown_ < std::chrono::milliseconds(200))) return;
    shown_ = now;
    const double seconds = std::max(1e-9, std::chrono::duration<double>(now - begin_).count());
    const double rate = static_cast<double>(done) / seconds;
    const double shown_seconds = at_end ? seconds : static_cast<double>(all - done) / rate;
    std::string line = text(terminal_ ? "\r" : "", what_, ": ", done, " of ", all, " images, ",
                            std::llround(rate), " images/s, ", duration_text(shown_seconds));
    if (!at_end) line += " left";
    if (terminal_) line += "\x1b[K";
    if (at_end) line += '\n';
    std::fputs(line.c_str(), stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  Clock::time_point begin_, shown_{};
  bool terminal_ = isatty(STDERR_FILENO) != 0;
};

struct ExtractOptions {
  int threads = 2;  ///< that decode
  OnBadFile on_bad_file = OnBadFile::fail;
  /// Called after every batch with the pictures that are done, and all.
  std::function<void(std::int64_t, std::int64_t)> progress = [](std::int64_t, std::int64_t) {};
};

#if defined(ARVIT_COMPILED)
extern template class Loader<AnyDataset, EvaluationTransform>;
#endif

/// Row i of the result belongs to picture i of the set (with OnBadFile::skip, to the picture that
/// stood in for it).
template <Dataset Set, Transform T>
FeatureTable extract_features(FeatureSource<float>& extractor, const Set& set, const T& transform,
                              const ExtractOptions& options = {}) {
  if (transform.height() != extractor.shape().height ||
      transform.width() != extractor.shape().width)
    fail<ShapeError>("features: the transform gives ", transform.height(), " x ", transform.width(),
                     " pixels, the extractor takes ", extractor.shape().height, " x ",
                     extractor.shape().width, ".");
  FeatureTable table{extractor.width(), {}, {}};
  table.values.resize(set.size() * table.width);
  auto loading = LoaderOptions::one_pass(extractor.options().batch, options.threads);
  loading.on_bad_file = options.on_bad_file;
  Loader<Set, T> loader(set, transform, loading);
  while (const LoadedBatch* batch = loader.next()) {
    extractor.extract(batch->pixels.data(), batch->size,
                      table.values.data() + table.rows() * table.width);
    table.labels.insert(table.labels.end(), batch->labels.begin(), batch->labels.end());
    options.progress(table.rows(), set.size());
  }
  return table;
}

/// The normalised pixels themselves as features [3 * height * width]: what an encoder must beat.
template <Dataset Set>
FeatureTable extract_pixels(const Set& set, EvaluationTransformOptions transform,
                            const ExtractOptions& options = {}) {
  const Normalisation normalisation = std::exchange(transform.normalisation, Normalisation{});
  const std::int64_t plane = std::int64_t{transform.height} * transform.width;
  FeatureTable table{3 * plane, {}, {}};
  table.values.reserve(set.size() * table.width);
  auto loading = LoaderOptions::one_pass(64, options.threads);
  loading.on_bad_file = options.on_bad_file;
  Loader<Set, EvaluationTransform> loader(set, EvaluationTransform(transform), loading);
  while (const LoadedBatch* batch = loader.next()) {
    table.labels.insert(table.labels.end(), batch->labels.begin(), batch->labels.end());
    for (std::int64_t i = 0; i < batch->size; ++i) {
      const float* pixels = batch->pixels.data() + i * 3 * plane;
      for (std::int64_t c = 0; c < 3 * plane; ++c) {
        const std::int64_t channel = c / plane;
        table.values.push_back((pixels[c] - normalisation.mean[channel]) /
                               normalisation.deviation[channel]);
      }
    }
    options.progress(table.rows(), set.size());
  }
  return table;
}

/// Whether the three channels of every row of extract_pixels are the same.
inline bool is_grey(const FeatureTable& pixels) {
  const std::int64_t plane = pixels.width / 3;
  for (std::int64_t i = 0; i < pixels.rows(); ++i) {
    const float* row = pixels.values.data() + i * pixels.width;
    if (!std::equal(row, row + plane, row + plane) ||
        !std::equal(row, row + plane, row + 2 * plane))
      return false;
  }
  return true;
}

}  // namespace arvit
