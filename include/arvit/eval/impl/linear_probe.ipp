// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/linear_probe.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <span>

#include "arvit/core/error.hpp"
#include "arvit/eval/linear_solvers.hpp"

namespace arvit {

ARVIT_DEFINITION ProbeMethod probe_method_from(std::string_view name) {
  return static_cast<ProbeMethod>(place_of_name("probe", name, {"ridge", "logistic"}));
}

namespace probe {
/// Classifiers for every penalty, fitted to a standardised table; L-BFGS goes from strong to weak,
/// each from the one before.
template <class Visit>
void fit_all(Cpu<Fp32>& device, const FeatureTable& table, const ProbeOptions& options,
             std::span<const double> penalties, Visit&& visit) {
  const int classes = table.classes();
  if (options.method == ProbeMethod::ridge) {
    const Ridge ridge(device, table);
    std::vector<LinearClassifier> solved(penalties.size());
    const auto solve = [&](std::int64_t i) { solved[i] = ridge.solve(penalties[i]); };
    const auto count = static_cast<std::int64_t>(penalties.size());
    const std::int64_t at_once = std::min<std::int64_t>(count, device.threads());
    constexpr std::int64_t gigabyte = 1 << 30;
    if (ridge.solve_bytes() * at_once <= gigabyte)
      device.for_each(count, solve);
    else
      for (std::int64_t i = 0; i < count; ++i) solve(i);
    for (std::size_t i = 0; i < solved.size(); ++i) visit(penalties[i], solved[i]);
    return;
  }
  LogisticLoss loss(device, table, classes);
  Eigen::VectorXd at = Eigen::VectorXd::Zero(loss.size());
  std::vector<double> descending(penalties.begin(), penalties.end());
  std::sort(descending.rbegin(), descending.rend());
  for (const double penalty : descending) {
    minimise(loss, penalty, options.iterations, options.tolerance, at);
    const Eigen::VectorXf numbers = at.cast<float>();
    const float* const bias = numbers.data() + classes * table.width;
    LinearClassifier classifier;
    classifier.weight.assign(numbers.data(), bias);
    classifier.bias.assign(bias, bias + classes);
    visit(penalty, classifier);
  }
}
}  // namespace probe

ARVIT_DEFINITION ProbeChoice choose_penalty(Cpu<Fp32>& device, const FeatureTable& train,
                                            const ProbeOptions& options) {
  check_tables("linear probe", train, train);
  if (options.penalties.empty())
    fail<OptionError>("linear probe: no penalty is given; name at least one.");
  for (const double penalty : options.penalties)
    if (!(penalty > 0) || !std::isfinite(penalty))
      fail<OptionError>("linear probe: penalty ", penalty, "; it must be positive.");
  if (train.classes() < 2)
    fail<OptionError>("linear probe: the training table holds one class; at least two are needed.");
  const Folds folds = validation_folds(train.labels, options.seed);
  std::vector<double> penalties = options.penalties, score(penalties.size());
  std::sort(penalties.rbegin(), penalties.rend());
  for (std::size_t f = 0; f < folds.fit.size(); ++f) {
    if (folds.fit[f].empty() || folds.validation[f].empty())
      fail<OptionError>(
          "linear probe: ", train.rows(),
          " labelled pictures are too few to choose a penalty; at least 5 are needed.");
    FeatureTable fit = train.subset(folds.fit[f]), validation = train.subset(folds.validation[f]);
    const Standardiser standardise(fit);
    standardise.apply(fit);
    standardise.apply(validation);
    std::size_t next = 0;
    probe::fit_all(device, fit, options, penalties,
                   [&](double, const LinearClassifier& classifier) {
                     score[next++] += accuracy(classifier.predict(validation), validation.labels) /
                                      static_cast<double>(folds.fit.size());
                   });
  }
  const auto best = std::max_element(score.begin(), score.end()) - score.begin();
  return {penalties[best], score[best]};
}

ARVIT_DEFINITION ProbeResult linear_probe(Cpu<Fp32>& device, FeatureTable train, FeatureTable test,
                                          const ProbeOptions& options) {
  check_tables("linear probe", train, test);
  const ProbeChoice choice = choose_penalty(device, train, options);
  const Standardiser standardise(train);
  standardise.apply(train);
  standardise.apply(test);
  ProbeResult result{0, choice.penalty};
  probe::fit_all(device, train, options, std::span(&choice.penalty, 1),
                 [&](double, const LinearClassifier& classifier) {
                   result.accuracy = accuracy(classifier.predict(test), test.labels);
                 });
  return result;
}

}  // namespace arvit
