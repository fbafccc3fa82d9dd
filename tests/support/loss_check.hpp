// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/target/target.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

/// Losses, whose backward is their forward: the gradient of the prediction against differences.
namespace arvit::test {

/// An error on rows of Width entries; `target` has one number for each, or a class for each row.
template <class Error, int Width> void check_error(const std::vector<double>& target) {
  using D = Reference<double>;
  const std::int64_t columns = Error::names_class ? 1 : Width;
  const auto rows = static_cast<std::int64_t>(target.size()) / columns;
  GradientCheck check;
  const auto prediction = check.input<Width>("prediction", rows);
  const auto loss = check.output<1>("loss", 1);
  const auto run = [&](double scale) {
    loss[0][0] = 0;
    check.device().run(ops::Loss<Error, D>{.prediction = prediction,
                                           .target = {target.data(), rows, columns},
                                           .scale = scale,
                                           .dprediction = prediction.gradient,
                                           .sum = {loss.data(), 1}});
  };
  check.run([&] { run(1); }, [&] { run(loss.gradient[0][0]); });
}
/// The loss of one row, and what its prediction gets.
struct OneLoss {
  double loss;
  std::vector<double> gradient;
};
template <class Error>
OneLoss loss_of(const std::vector<double>& prediction, const std::vector<double>& target) {
  using D = Reference<double>;
  D device;
  const auto width = static_cast<std::int64_t>(prediction.size());
  OneLoss result{0, std::vector<double>(prediction.size())};
  device.run(
      ops::Loss<Error, D>{.prediction = {prediction.data(), 1, width},
                          .target = {target.data(), 1, static_cast<std::int64_t>(target.size())},
                          .scale = 1,
                          .dprediction = {result.gradient.data(), 1, width},
                          .sum = {&result.loss, 1}});
  return result;
}

/// Where a target is read: images, and rows of them.
template <class Grid> struct TargetCase {
  Batch<const double> batch;
  MadeRows rows;
  std::int64_t images;
  bool class_row = false;
  TargetInput<Reference<double>> input(bool standardise) const {
    return {batch, {3, Grid::height, Grid::width, Grid::patch}, rows, standardise};
  }
};
/// Returns the loss.
template <class Target, class Grid> double check_target(const TargetCase<Grid>& at) {
  constexpr int width = Target::template width<Grid>;
  GradientCheck check;
  const auto& c = check.context();
  const auto prediction = check.input<width>("prediction", at.rows.rows());
  const auto loss = check.output<1>("loss", 1);
  const auto run = [&](double scale) {
    loss[0][0] = 0;
    Target::template loss<Grid>(c, at.input(Target::standardise), {at.images, at.class_row, scale},
                                prediction, {prediction.gradient, {loss.data(), 1}});
  };
  check.run([&] { run(1); }, [&] { run(loss.gradient[0][0]); });
  run(1);
  return loss[0][0];
}
/// The loss of a prediction of zeros: the mean over entries, or over rows.
template <class Target, class Grid> double loss_of_zeros(const TargetCase<Grid>& at) {
  constexpr int width = Target::template width<Grid>;
  GradientCheck check;
  std::vector<double> zeros(at.rows.rows() * width), dprediction(zeros.size());
  double loss = 0;
  Target::template loss<Grid>(
      check.context(), at.input(Target::standardise),
      {at.images, at.class_row, 1.0 / static_cast<double>(zeros.size())},
      Rows<const double, width>(zeros.data(), at.rows.rows()),
      {Rows<double, width>(dprediction.data(), at.rows.rows()), {&loss, 1}});
  return loss;
}
/// The target's own numbers [rows, Width].
template <class Kind, int Width, class Grid>
std::vector<double> target_values(const TargetCase<Grid>& at, bool standardise = false) {
  GradientCheck check;
  std::vector<double> values(at.rows.rows() * Width);
  Kind::template values<Grid>(check.context(), at.input(standardise),
                              Rows<double, Width>(values.data(), at.rows.rows()));
  return values;
}

}  // namespace arvit::test
