// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/train/optimiser/adamw.hpp"
#include "arvit/train/optimiser/lars.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "support/fill.hpp"

using namespace arvit;

namespace {

using D = Reference<double>;
struct Placed {
  std::string name;
  ParameterRun run;
};
/// The tensors of tests/reference/optimisers.py: [5, 7], [7], [1, 1, 6].
const std::vector<Placed> tensors{
    {"matrix", {0, 35, 1, 1, 2}}, {"bias", {35, 42, 1, 0, 1}}, {"token", {42, 48, 1, 1, 3}}};
constexpr std::int64_t size = 48;
template <class T> Span<T> span(std::vector<T>& values) {
  return {values.data(), static_cast<std::int64_t>(values.size())};
}

/// Largest difference from the fixture over its six steps, relative to a parameter's scale of 1.
template <class Rule> double distance(const std::string& name, Rule rule) {
  const Safetensors file(std::string(ARVIT_TEST_FIXTURES) + "/optimisers.safetensors");
  D device;
  std::vector<double> master(size), gradient(size), norms(2 * tensors.size());
  std::vector<std::vector<double>> states(Rule::states.size(), std::vector<double>(size));
  std::vector<ParameterRun> runs;
  for (const Placed& tensor : tensors) {
    runs.push_back(tensor.run);
    if (name == "lars_zero" && tensor.name == "matrix") continue;
    for (std::int64_t i = tensor.run.begin; i < tensor.run.end; ++i)
      master[i] = test::hashed("optimisers." + tensor.name, i - tensor.run.begin) - 0.5;
  }
  double most = 0;
  for (int step = 1; step <= 6; ++step) {
    for (const auto& [tensor, run] : tensors)
      for (std::int64_t i = run.begin; i < run.end; ++i)
        gradient[i] = 0.1 * step * master[i] - 0.5 +
                      test::hashed(text("optimisers.", tensor, ".", step), i - run.begin);
    if constexpr (requires { rule.step; }) rule.step = step;
    ops::Update<Rule, D> update{.rule = rule,
                                .runs = span(runs),
                                .gradient = span(gradient),
                                .master = span(master),
                                .states = {}};
    for (std::size_t s = 0; s < states.size(); ++s) update.states[s] = span(states[s]);
    if constexpr (needs_norms<Rule>()) {
      device.run(ops::RunNorms<D>{.runs = span(runs),
                                  .gradient = span(gradient),
                                  .master = span(master),
                                  .weight_decay = rule.weight_decay,
                                  .norms = span(norms)});
      update.norms = span(norms);
    }
    device.run(update);
    for (const auto& [tensor, run] : tensors) {
      const auto expected = file.values<double>(text(name, ".", step, ".", tensor));
      for (std::int64_t i = run.begin; i < run.end; ++i)
        most = std::max(most, std::abs(master[i] - expected[i - run.begin]));
    }
  }
  return most;
}

}  // namespace

TEST_CASE("optimiser: AdamW and SGD are PyTorch's, LARS is MAE's") {
  CHECK(distance("adamw", AdamW{.learning_rate = 0.01, .weight_decay = 0.05}) < 1e-12);
  CHECK(distance("sgd", SGD{.learning_rate = 0.01, .weight_decay = 0.05}) < 1e-12);
  CHECK(distance("sgd_plain", SGD{.learning_rate = 0.01, .momentum = 0}) < 1e-12);
  CHECK(distance("sgd_nesterov",
                 SGD{.learning_rate = 0.01, .weight_decay = 0.05, .nesterov = true}) < 1e-12);
  CHECK(distance("lars", LARS{.learning_rate = 0.1, .weight_decay = 0.05}) < 1e-12);
  CHECK(distance("lars_zero", LARS{.learning_rate = 0.1}) < 1e-12);
  // What the fixtures tell apart.
  CHECK(distance("sgd", SGD{.learning_rate = 0.01, .weight_decay = 0.05, .nesterov = true}) > 1e-4);
  CHECK(distance("sgd", SGD{.learning_rate = 0.01}) > 1e-4);
  CHECK(distance("lars", LARS{.learning_rate = 0.1}) > 1e-6);
  CHECK(distance("adamw", AdamW{.learning_rate = 0.01, .weight_decay = 0}) > 1e-4);
}
