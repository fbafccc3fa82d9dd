// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/eval/feature_table.hpp"
#include "arvit/model/features.hpp"
#include "arvit/train/schedule.hpp"

/// Linear probing as the papers do it (He et al. 2022, appendix A.1): the frozen encoder runs on
/// freshly augmented pictures, its features go through batch normalisation without weights and one
/// linear layer.
namespace arvit {

struct ProbeRecipe {
  std::string_view name;
  /// LARS (You et al. 2017, trust 0.001) instead of plain SGD; momentum 0.9 in both.
  bool lars = false;
  int epochs = 90, batch = 2048;
  double base_lr = 0.1, warmup = 0;  ///< rate of 256 pictures; epochs of warm-up
  Crop crop = Crop::clamped;
  double smallest_area = 0.08;
};
inline constexpr std::array probe_recipes{
    ProbeRecipe{"saim", false, 90, 2048},
    ProbeRecipe{"semaim", false, 90, 4096, 0.1, 0, Crop::short_side},
    ProbeRecipe{"mae", true, 90, 16384, 0.1, 10},
};
ProbeRecipe probe_recipe_from(std::string_view name);

/// Batch normalisation without weights (Ioffe and Szegedy 2015; epsilon 1e-6, running moments with
/// momentum 0.1), then y = x W^T + b; on the host, in float.
class ProbeHead {
 public:
  /// W starts as a truncated normal of deviation 0.01, b at 0.
  ProbeHead(std::int64_t width, int classes, bool lars, std::uint64_t seed);
  ~ProbeHead();
  ProbeHead(ProbeHead&&) noexcept;
  ProbeHead& operator=(ProbeHead&&) noexcept;
  /// One step on features [rows, width]; returns the mean cross entropy before it.
  double step(const float* features, std::span<const int> labels, double rate);
  /// The classes of features [rows, width], by the running moments.
  std::vector<int> predict(const float* features, std::int64_t rows) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ProbeTrainingOptions {
  std::uint64_t seed = 0;
  int threads = 2;  ///< that decode
  Normalisation normalisation = Normalisation::imagenet();
  std::function<void(int epoch, double loss, double rate)> progress = [](int, double, double) {};
};

namespace detail {
/// OptionError for a recipe out of range; the other numbers are the recipe's to say.
void check_recipe(const ProbeRecipe& recipe);
/// OptionError for a set of pictures without labels, called `what`; the number of its classes.
template <Dataset Set> int classes_of(const Set& set, std::string_view what) {
  int classes = 0;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    if (set.label(i) < 0)
      fail<OptionError>("linear probe: ", what, " ", i,
                        " has no label; use a data set with classes.");
    classes = std::max(classes, 1 + static_cast<int>(set.label(i)));
  }
  return classes;
}
/// Features and labels, passed to the encoder batch by batch.
struct ProbeRows {
  std::vector<float> features;
  std::vector<int> labels;
  void append(FeatureSource<float>& extractor, const LoadedBatch& batch) {
    const std::size_t before = features.size();
    features.resize(before + batch.size * extractor.width());
    extractor.extract(batch.pixels.data(), batch.size, features.data() + before);
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  void clear() {
    features.clear();
    labels.clear();
  }
};
}  // namespace detail

/// Trains the probe on `train` (a Subset for few labels) and returns its accuracy on `test`, which
/// is read once, at the end.
template <Dataset Train, Dataset Test>
double train_probe(FeatureSource<float>& extractor, const Train& train, const Test& test,
                   const ProbeRecipe& recipe, const ProbeTrainingOptions& options) {
  detail::check_recipe(recipe);
  detail::classes_of(test, "test picture");
  const int classes = detail::classes_of(train, "picture");
  const ImageShape shape = extractor.shape();
  TrainTransformOptions crops{.height = shape.height,
                              .width = shape.width,
                              .crop = recipe.crop,
                              .smallest_area = recipe.smallest_area,
                              .normalisation = options.normalisation};
  // A step's pictures pass through the encoder in groups: at 224 pixels the papers' batches would
  // take gigabytes.
  const auto group = static_cast<int>(
      std::min<std::int64_t>({extractor.options().batch, recipe.batch, train.size()}));
  if (recipe.batch % group != 0 && recipe.batch <= train.size())
    fail<OptionError>("batch: ", recipe.batch, " pictures are no whole number of passes of ", group,
                      "; choose ", recipe.batch - recipe.batch % group, ", say.");
  const int batch_size = static_cast<int>(
      std::min<std::int64_t>(recipe.batch, train.size() - train.size() % group));
  LoaderOptions loading{.batch = group,
                        .threads = options.threads,
                        .seed = options.seed,
                        .group = batch_size / group,
                        .epochs = recipe.epochs};
  Loader<Train, TrainTransform> loader(train, TrainTransform(crops), loading);
  ProbeHead head(extractor.width(), classes, recipe.lars, options.seed);
  const Schedule schedule{scaled_learning_rate(recipe.base_lr, batch_size), 0, recipe.warmup,
                          static_cast<double>(recipe.epochs)};
  const auto steps = static_cast<double>(loader.batches_per_epoch() / loading.group);
  detail::ProbeRows rows;
  double loss = 0;  // mean of the epoch so far
  while (const LoadedBatch* batch = loader.next()) {
    rows.append(extractor, *batch);
    if (static_cast<int>(rows.labels.size()) < batch_size) continue;
    const auto step = static_cast<double>(batch->number / loading.group);
    const double rate = schedule.at(static_cast<double>(batch->epoch) + step / steps);
    loss += head.step(rows.features.data(), rows.labels, rate) / steps;
    rows.clear();
    if (!std::isfinite(loss))
      fail<NumericError>("linear probe: the loss is not finite in epoch ", batch->epoch + 1,
                         "; lower the learning rate.");
    if (step + 1 == steps) {
      options.progress(static_cast<int>(batch->epoch) + 1, loss, rate);
      loss = 0;
    }
  }

  const EvaluationTransform central(
      {.height = shape.height, .width = shape.width, .normalisation = options.normalisation});
  Loader<Test, EvaluationTransform> tests(
      test, central, LoaderOptions::one_pass(extractor.options().batch, options.threads));
  std::vector<int> predicted, labels;
  while (const LoadedBatch* batch = tests.next()) {
    rows.clear();
    rows.append(extractor, *batch);
    const auto now = head.predict(rows.features.data(), batch->size);
    predicted.insert(predicted.end(), now.begin(), now.end());
    labels.insert(labels.end(), rows.labels.begin(), rows.labels.end());
  }
  return accuracy(predicted, labels);
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/probe_training.ipp"
#endif
