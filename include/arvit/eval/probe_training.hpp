// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/eval/feature_table.hpp"
#include "arvit/eval/linear_probe.hpp"
#include "arvit/model/features.hpp"
#include "arvit/train/schedule.hpp"

/// Linear probing as the papers do it: the frozen encoder runs on freshly augmented pictures, its features go through batch
/// normalisation without weights and one linear layer (spec: README.md, "Linear probing").
namespace arvit {

struct ProbeRecipe {
  std::string_view name;
  bool lars = false;                    ///< LARS (You et al. 2017, trust 0.001) instead of plain SGD; momentum 0.9 in both
  int epochs = 90, batch = 2048;
  double base_lr = 0.1, warmup = 0;     ///< rate of 256 pictures; epochs of warm-up
  Crop crop = Crop::clamped;
  double smallest_area = 0.08;
};
inline constexpr std::array probe_recipes{
    ProbeRecipe{"saim", false, 90, 2048},
    ProbeRecipe{"semaim", false, 90, 4096, 0.1, 0, Crop::short_side},
    ProbeRecipe{"mae", true, 90, 16384, 0.1, 10},
};
inline ProbeRecipe probe_recipe_from(std::string_view name) {
  std::vector<std::string> known;
  for (const ProbeRecipe& recipe : probe_recipes) {
    if (recipe.name == name) return recipe;
    known.emplace_back(recipe.name);
  }
  fail_unknown_name("recipe", name, known);
}

/// Batch normalisation without weights (epsilon 1e-6, running moments with momentum 0.1), then y = x W^T + b; on the host, in float.
class ProbeHead {
 public:
  using Rows = probe::Rows;

  /// W starts as a truncated normal of deviation 0.01, b at 0.
  ProbeHead(std::int64_t width, int classes, bool lars, std::uint64_t seed)
      : lars_(lars), mean_(Row::Zero(width)), variance_(Row::Ones(width)), weight_(classes, width), bias_(Row::Zero(classes)),
        weight_velocity_(Rows::Zero(classes, width)), bias_velocity_(Row::Zero(classes)) {
    initialise(Tensor{"weight", {classes, width}, {Init::truncated_normal, 0.01}, false}, 0, seed, weight_.data());
  }

  /// One step on features [rows, width]; returns the mean cross entropy before it.
  double step(const float* features, std::span<const int> labels, double rate) {
    const auto rows = static_cast<Eigen::Index>(labels.size());
    const Eigen::Map<const Rows> x(features, rows, mean_.size());
    const Row mean = x.colwise().mean();
    Rows normed = x.rowwise() - mean;
    const Row variance = normed.array().square().colwise().mean();  // over the batch, divided by its size
    const float unbiased = rows > 1 ? static_cast<float>(rows) / static_cast<float>(rows - 1) : 1.0f;
    mean_ += 0.1f * (mean - mean_);
    variance_ += 0.1f * (variance * unbiased - variance_);
    normed.array().rowwise() *= (variance.array() + 1e-6f).rsqrt();
    Rows p = (normed * weight_.transpose()).rowwise() + bias_;
    double loss = 0;
    for (Eigen::Index i = 0; i < rows; ++i) {
      const int label = labels[static_cast<std::size_t>(i)];
      const float top = p.row(i).maxCoeff(), own = p(i, label);
      p.row(i) = (p.row(i).array() - top).exp();
      const float sum = p.row(i).sum();
      loss += static_cast<double>(top - own) + std::log(static_cast<double>(sum));
      p.row(i) /= sum;
      p(i, label) -= 1;
    }
    p /= static_cast<float>(rows);
    Rows dweight = p.transpose() * normed;
    if (lars_)  // biases take the plain step
      if (const float w = weight_.norm(), g = dweight.norm(); w > 0 && g > 0) dweight *= 0.001f * w / g;
    weight_velocity_ = 0.9f * weight_velocity_ + dweight;
    bias_velocity_ = 0.9f * bias_velocity_ + p.colwise().sum();
    weight_ -= static_cast<float>(rate) * weight_velocity_;
    bias_ -= static_cast<float>(rate) * bias_velocity_;
    return loss / static_cast<double>(rows);
  }

  /// The classes of features [rows, width], with the running moments.
  std::vector<int> predict(const float* features, std::int64_t rows) const {
    Rows x = Eigen::Map<const Rows>(features, rows, mean_.size());
    x = (x.rowwise() - mean_).array().rowwise() * (variance_.array() + 1e-6f).rsqrt();
    const Rows logits = (x * weight_.transpose()).rowwise() + bias_;
    std::vector<int> predicted;
    for (Eigen::Index i = 0; i < rows; ++i) {
      Eigen::Index best = 0;
      logits.row(i).maxCoeff(&best);
      predicted.push_back(static_cast<int>(best));
    }
    return predicted;
  }

 private:
  using Row = Eigen::RowVectorXf;
  bool lars_;
  Row mean_, variance_;
  Rows weight_;
  Row bias_;
  Rows weight_velocity_;
  Row bias_velocity_;
};

struct ProbeTrainingOptions {
  std::uint64_t seed = 0;
  int threads = 2;  ///< that decode
  Normalisation normalisation = Normalisation::imagenet();
  std::function<void(int epoch, double loss, double rate)> progress = [](int, double, double) {};
};

/// Trains the probe on `train` (a Subset for few labels) and returns its accuracy on `test`, which is read once, at the end.
template <Dataset Train, Dataset Test>
double train_probe(FeatureSource<float>& extractor, const Train& train, const Test& test, const ProbeRecipe& recipe, const ProbeTrainingOptions& options) {
  if (recipe.epochs < 1) fail<OptionError>("epochs: ", recipe.epochs, "; they must be at least 1.");
  if (recipe.batch < 2) fail<OptionError>("batch: ", recipe.batch, " pictures; batch normalisation needs at least 2.");
  if (!(recipe.base_lr > 0)) fail<OptionError>("learning rate: ", recipe.base_lr, "; it must be positive.");
  if (recipe.warmup >= recipe.epochs)
    fail<OptionError>("epochs: ", recipe.epochs, " leave nothing after the recipe's warm-up of ", recipe.warmup, "; choose more.");
  for (std::int64_t i = 0; i < test.size(); ++i)
    if (test.label(i) < 0) fail<OptionError>("linear probe: test picture ", i, " has no label; use a data set with classes.");
  int classes = 0;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    if (train.label(i) < 0) fail<OptionError>("linear probe: picture ", i, " has no label; use a data set with classes.");
    classes = std::max(classes, 1 + static_cast<int>(train.label(i)));
  }
  const ImageShape shape = extractor.shape();
  TrainTransformOptions crops{.height = shape.height, .width = shape.width, .crop = recipe.crop, .smallest_area = recipe.smallest_area, .normalisation = options.normalisation};
  LoaderOptions loading{.batch = std::min<std::int64_t>(recipe.batch, train.size()), .threads = options.threads, .seed = options.seed, .epochs = recipe.epochs};
  Loader<Train, TrainTransform> loader(train, TrainTransform(crops), loading);
  ProbeHead head(extractor.width(), classes, recipe.lars, options.seed);
  const Schedule schedule{scaled_learning_rate(recipe.base_lr, static_cast<double>(loading.batch)), 0, recipe.warmup, static_cast<double>(recipe.epochs)};
  const auto steps = loader.batches_per_epoch();
  std::vector<float> features;
  double loss = 0;
  while (const Batch* batch = loader.next()) {
    features.resize(static_cast<std::size_t>(batch->size * extractor.width()));
    extractor.extract(batch->images, batch->size, features.data());
    const double rate = schedule.at(static_cast<double>(batch->epoch) + static_cast<double>(batch->number) / static_cast<double>(steps));
    loss += head.step(features.data(), batch->labels, rate) / static_cast<double>(steps);
    if (!std::isfinite(loss)) fail<NumericError>("linear probe: the loss is not finite in epoch ", batch->epoch + 1, "; lower the learning rate.");
    if (batch->number + 1 == steps) options.progress(static_cast<int>(batch->epoch) + 1, loss, rate), loss = 0;
  }
  Loader<Test, EvaluationTransform> tests(test, EvaluationTransform({.height = shape.height, .width = shape.width, .normalisation = options.normalisation}),
                                          LoaderOptions::one_pass(extractor.options().batch, options.threads));
  std::vector<int> predicted, labels;
  while (const Batch* batch = tests.next()) {
    features.resize(static_cast<std::size_t>(batch->size * extractor.width()));
    extractor.extract(batch->images, batch->size, features.data());
    const auto now = head.predict(features.data(), batch->size);
    predicted.insert(predicted.end(), now.begin(), now.end());
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
  }
  return accuracy(predicted, labels);
}

}  // namespace arvit
