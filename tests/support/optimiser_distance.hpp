// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "support/fill.hpp"

namespace arvit::test {

/// Six steps of an optimiser beside those of tests/reference/optimisers.py: the largest difference
/// of a parameter, whose scale is 1.
template <class Rule> double optimiser_distance(const std::string& name, Rule rule) {
  using D = Reference<double>;
  struct Placed {
    std::string name;
    ParameterRun run;
  };
  // [5, 7], [7], [1, 1, 6]
  const std::vector<Placed> tensors{
      {"matrix", {0, 35, 1, 1, 2}}, {"bias", {35, 42, 1, 0, 1}}, {"token", {42, 48, 1, 1, 3}}};
  constexpr std::int64_t size = 48;
  const Safetensors file(std::string(ARVIT_TEST_FIXTURES) + "/optimisers.safetensors");
  D device;
  std::vector<double> master(size), gradient(size), norms(2 * tensors.size());
  std::vector<std::vector<double>> states(Rule::states.size(), std::vector<double>(size));
  std::vector<ParameterRun> runs;
  for (const Placed& tensor : tensors) {
    runs.push_back(tensor.run);
    if (name == "lars_zero" && tensor.name == "matrix") continue;
    for (std::int64_t i = tensor.run.begin; i < tensor.run.end; ++i)
      master[i] = hashed("optimisers." + tensor.name, i - tensor.run.begin) - 0.5;
  }
  double most = 0;
  for (int step = 1; step <= 6; ++step) {
    for (const auto& [tensor, run] : tensors)
      for (std::int64_t i = run.begin; i < run.end; ++i)
        gradient[i] = 0.1 * step * master[i] - 0.5 +
                      hashed(text("optimisers.", tensor, ".", step), i - run.begin);
    if constexpr (requires { rule.step; }) rule.step = step;
    ops::Update<Rule, D> update{
        .rule = rule, .runs = runs, .gradient = gradient, .master = master, .states = {}};
    for (std::size_t s = 0; s < states.size(); ++s) update.states[s] = states[s];
    if constexpr (needs_norms<Rule>()) {
      device.run(ops::RunNorms<D>{.runs = runs,
                                  .gradient = gradient,
                                  .master = master,
                                  .weight_decay = rule.weight_decay,
                                  .norms = norms});
      update.norms = norms;
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

}  // namespace arvit::test
