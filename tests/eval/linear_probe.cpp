// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/linear_probe.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "arvit/eval/linear_solvers.hpp"
#include "support/tables.hpp"

namespace arvit::test {
namespace {

FeatureTable standardised(FeatureTable table) {
  Standardiser(table).apply(table);
  return table;
}

TEST_CASE("linear probe: ridge zeroes the gradient of its loss, by either Gram matrix") {
  Cpu<Fp32> device({2, {}});
  for (const auto& [rows, width] :
       {std::pair(60, 12),
        {8, 12},
        {4200, 12},
        {8, 4200}}) {  // more rows than columns, and fewer; one stripe of the sums, and three
    const FeatureTable x = standardised(blobs(rows, width, 3, 1, 1));
    const double penalty = 0.1;
    const LinearClassifier fitted = probe::Ridge(device, x).solve(penalty);
    double largest = 0;
    for (int k = 0; k < 3; ++k) {
      std::vector<double> gradient(width);
      double slope = 0;
      for (int i = 0; i < rows; ++i) {
        double error = fitted.bias[k] - (x.labels[i] == k);
        for (int c = 0; c < width; ++c)
          error += static_cast<double>(fitted.weight[k * width + c]) * x.row(i)[c];
        for (int c = 0; c < width; ++c) gradient[c] += error * x.row(i)[c] / rows;
        slope += error / rows;
      }
      for (int c = 0; c < width; ++c)
        largest = std::max(
            largest,
            std::abs(gradient[c] + penalty * static_cast<double>(fitted.weight[k * width + c])));
      largest = std::max(largest, std::abs(slope));
    }
    CHECK(largest < 1e-6);
  }
}

TEST_CASE(
    "linear probe: the logistic loss has the gradient it returns, and L-BFGS finds where it "
    "vanishes") {
  Cpu<Fp32> device({2, {}});
  const FeatureTable x = standardised(blobs(700, 6, 3, 1.5, 1));
  probe::LogisticLoss loss(device, x, 3);
  Eigen::VectorXd at = Eigen::VectorXd::LinSpaced(loss.size(), -1, 1), gradient, unused;
  loss(at, 0.01, gradient);
  for (Eigen::Index i = 0; i < at.size(); i += 4) {
    Eigen::VectorXd up = at, down = at;
    up(i) += 1e-2;
    down(i) -= 1e-2;
    CHECK((loss(up, 0.01, unused) - loss(down, 0.01, unused)) / 2e-2 ==
          doctest::Approx(gradient(i)).epsilon(2e-3));
  }
  at.setZero();
  CHECK(loss(at, 0.01, unused) == doctest::Approx(std::log(3.0)));
  const double found = probe::minimise(loss, 0.01, 200, 1e-5, at);
  loss(at, 0.01, gradient);
  CHECK(gradient.lpNorm<Eigen::Infinity>() < 1e-4);
  CHECK(found < 0.6 * std::log(3.0));
}

TEST_CASE(
    "linear probe: separates what is separable, chooses on the training table, and ignores "
    "threads") {
  const FeatureTable train = blobs(1200, 16, 4, 0.4, 1), test = blobs(400, 16, 4, 0.4, 2);
  Cpu<Fp32> one({1, {}}), three({3, {}});
  for (const ProbeMethod method : {ProbeMethod::ridge, ProbeMethod::logistic}) {
    ProbeOptions options;
    options.method = method;
    const ProbeResult result = linear_probe(one, train, test, options);
    CHECK(result.accuracy > 0.99);
    const ProbeResult again = linear_probe(three, train, test, options);
    CHECK(again.accuracy == result.accuracy);
    CHECK(again.penalty == result.penalty);
    FeatureTable shuffled = test;  // the test labels cannot move the choice
    for (int& label : shuffled.labels) label = (label + 1) % 4;
    CHECK(linear_probe(one, train, shuffled, options).penalty == result.penalty);
    CHECK(linear_probe(one, train, shuffled, options).accuracy < 0.01);
  }
}

TEST_CASE("linear probe: noise of many columns calls for a strong penalty") {
  Cpu<Fp32> device({2, {}});
  FeatureTable train = blobs(300, 200, 2, 6, 1);
  const ProbeChoice choice = choose_penalty(device, train,
                                            {.method = ProbeMethod::ridge, .penalties = {1e-6, 1}});
  CHECK(choice.penalty == 1);
}

TEST_CASE(
    "feature table: stratified fractions and folds hold every class, follow from the seed, and do "
    "not overlap") {
  std::vector<int> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 10 == 0 ? 3 : i % 3);
  const auto few = stratified_fraction(labels, 0.02, 5);
  std::vector<int> count(4);
  for (const auto i : few) ++count[labels[i]];
  CHECK(count == std::vector<int>{6, 6, 6, 2});
  CHECK(stratified_fraction(labels, 0.02, 5) == few);
  CHECK(stratified_fraction(labels, 0.02, 6) != few);
  CHECK(stratified_fraction(labels, 1e-9, 5).size() == 4);
  CHECK(stratified_fraction(labels, 1, 5).size() == 1000);
  CHECK_THROWS_AS(stratified_fraction(labels, 0, 5), OptionError);
  const Folds folds = validation_folds(labels, 1);
  CHECK(folds.fit.size() == 5);
  std::vector<int> seen(1000);
  for (std::size_t f = 0; f < 5; ++f) {
    CHECK(folds.fit[f].size() + folds.validation[f].size() == 1000);
    for (const auto i : folds.validation[f]) ++seen[i];
  }
  CHECK(seen == std::vector<int>(1000, 1));
}

TEST_CASE("linear probe: what cannot be is refused") {
  Cpu<Fp32> device({1, {}});
  const FeatureTable table = blobs(40, 3, 2, 1, 1);
  CHECK_THROWS_WITH_AS(choose_penalty(device, table, {.penalties = {0}}),
                       "linear probe: penalty 0; it must be positive.", OptionError);
  CHECK_THROWS_AS(choose_penalty(device, blobs(40, 3, 1, 1, 1)), OptionError);
  CHECK_THROWS_AS(choose_penalty(device, blobs(2, 3, 2, 1, 1)), OptionError);
  CHECK_THROWS_WITH_AS(probe_method_from("logistics"),
                       doctest::Contains("did you mean 'logistic'?"), OptionError);
}

}  // namespace
}  // namespace arvit::test
