// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/probe_training.hpp"

#include <Eigen/Core>

#include "arvit/core/initialise.hpp"
#include "arvit/eval/linear_solvers.hpp"

namespace arvit {

ARVIT_DEFINITION ProbeRecipe probe_recipe_from(std::string_view name) {
  std::vector<std::string> known;
  for (const ProbeRecipe& recipe : probe_recipes) {
    if (recipe.name == name) return recipe;
    known.emplace_back(recipe.name);
  }
  fail_unknown_name("recipe", name, known);
}

namespace detail {
ARVIT_DEFINITION void check_recipe(const ProbeRecipe& recipe) {
  if (recipe.epochs < 1) fail<OptionError>("epochs: ", recipe.epochs, "; they must be at least 1.");
  if (recipe.batch < 2)
    fail<OptionError>("batch: ", recipe.batch, " pictures; batch normalisation needs at least 2.");
  if (!(recipe.base_lr > 0))
    fail<OptionError>("learning rate: ", recipe.base_lr, "; it must be positive.");
  if (recipe.warmup >= recipe.epochs)
    fail<OptionError>("epochs: ", recipe.epochs, " leave nothing after the recipe's warm-up of ",
                      recipe.warmup, "; choose more.");
}
}  // namespace detail

struct ProbeHead::State {
  using Row = Eigen::RowVectorXf;
  bool lars;
  Row mean, variance;
  probe::Rows weight;
  Row bias;
  probe::Rows weight_velocity;
  Row bias_velocity;
};

ARVIT_DEFINITION ProbeHead::ProbeHead(std::int64_t width, int classes, bool lars,
                                      std::uint64_t seed) {
  using Row = State::Row;
  state_ = std::make_unique<State>(State{lars, Row::Zero(width), Row::Ones(width),
                                         probe::Rows(classes, width), Row::Zero(classes),
                                         probe::Rows::Zero(classes, width), Row::Zero(classes)});
  initialise(TensorSpec{{classes, width}, {Init::truncated_normal, 0.01}, false}, 0, seed,
             state_->weight.data());
}
ARVIT_DEFINITION ProbeHead::~ProbeHead() = default;
ARVIT_DEFINITION ProbeHead::ProbeHead(ProbeHead&&) noexcept = default;
ARVIT_DEFINITION ProbeHead& ProbeHead::operator=(ProbeHead&&) noexcept = default;

ARVIT_DEFINITION double ProbeHead::step(const float* features, std::span<const int> labels,
                                        double rate) {
  State& s = *state_;
  const auto rows = static_cast<Eigen::Index>(labels.size());
  const Eigen::Map<const probe::Rows> x(features, rows, s.mean.size());
  const State::Row mean = x.colwise().mean();
  // normed = (x - mean) / sqrt(variance + epsilon), by the batch's own moments, the variance
  // divided by its size; the running variance takes the unbiased one, as PyTorch's does.
  probe::Rows normed = x.rowwise() - mean;
  const State::Row variance = normed.array().square().colwise().mean();
  const float unbiased = rows > 1 ? static_cast<float>(rows) / static_cast<float>(rows - 1) : 1.0f;
  s.mean += 0.1f * (mean - s.mean);
  s.variance += 0.1f * (variance * unbiased - s.variance);
  normed.array().rowwise() *= (variance.array() + 1e-6f).rsqrt();
  // p = softmax(normed W^T + b) - indicators;  dW = p^T normed / rows,  db = sum of p / rows
  probe::Rows p = (normed * s.weight.transpose()).rowwise() + s.bias;
  const double loss = probe::cross_entropy(p, labels);
  p /= static_cast<float>(rows);
  probe::Rows dweight = p.transpose() * normed;
  // LARS (You et al. 2017, Eq. 6): a step as long as a thousandth of the weight. Biases take the
  // plain step.
  const float length = s.weight.norm(), slope = dweight.norm();
  if (s.lars && length > 0 && slope > 0) dweight *= 0.001f * length / slope;
  s.weight_velocity = 0.9f * s.weight_velocity + dweight;
  s.bias_velocity = 0.9f * s.bias_velocity + p.colwise().sum();
  s.weight -= static_cast<float>(rate) * s.weight_velocity;
  s.bias -= static_cast<float>(rate) * s.bias_velocity;
  return loss / static_cast<double>(rows);
}

ARVIT_DEFINITION std::vector<int> ProbeHead::predict(const float* features,
                                                     std::int64_t rows) const {
  const State& s = *state_;
  probe::Rows x = Eigen::Map<const probe::Rows>(features, rows, s.mean.size());
  x = (x.rowwise() - s.mean).array().rowwise() * (s.variance.array() + 1e-6f).rsqrt();
  std::vector<int> classes;
  probe::append_classes((x * s.weight.transpose()).rowwise() + s.bias, classes);
  return classes;
}

}  // namespace arvit
