// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "arvit/io/safetensors.hpp"
#include "arvit/models.hpp"
#include "arvit/train/step.hpp"
#include "support/model_case.hpp"

/// Holds a model on a device against a fixture of the independent PyTorch implementation
/// (tests/reference).
namespace arvit::test {

inline Safetensors fixture(const std::string& name) {
  return Safetensors(std::string(ARVIT_TEST_FIXTURES) + "/" + name + ".safetensors");
}

/// Small encoders of the fixtures.
template <int Depth, class... O> using OfDepth = ViT<Depth, 12, 3, Patch<4>, Image<12, 16>, O...>;
template <class... O> using Fixture = OfDepth<4, O...>;

/// A difference of 1e-9 in double. In fp32: 1e-5 of the tensor's largest entry, or of a thousandth
/// of the model's largest.
template <class S> double tolerance(double of_tensor, double of_model) {
  return std::is_same_v<S, double> ? 1e-9 : 1e-5 * std::max(of_tensor, 1e-3 * of_model);
}

template <class Model, class D> void check_fixture(D& device, const std::string& name) {
  CAPTURE(name);
  using S = Statistic<D>;
  const Safetensors file = fixture(name);
  const auto ranks64 = file.values<std::int64_t>("ranks");
  const std::vector<int> ranks(ranks64.begin(), ranks64.end());
  const int images = static_cast<int>(ranks.size()) / Model::Grid::patches;

  ModelCase<Model, D> model(device, images);
  const double loss = model.run(ranks), expected = file.values<double>("loss")[0];
  CHECK(std::abs(loss - expected) <= (std::is_same_v<S, double> ? 1e-9 : 1e-5) * expected);
  double of_model = 0;
  for (const S value : model.gradients)
    of_model = std::max(of_model, std::abs(static_cast<double>(value)));
  for (const auto& entry : model.named(model.gradients)) {
    const auto& parameter = entry.first;  // clang 14 captures no structured bindings
    const auto& values = entry.second;
    CAPTURE(parameter);
    const auto gradient = file.values<double>("gradient." + parameter);
    REQUIRE(gradient.size() == values.size());
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      difference = std::max(difference, std::abs(values[i] - gradient[i]));
      largest = std::max(largest, std::abs(gradient[i]));
    }
    CHECK(difference <= tolerance<S>(largest, of_model));
  }

  // Predictions, brought back to reading order: zero where there is none, summed where a patch has
  // several. A file for a decoder of several streams or a class query has [streams, images, patches
  // + 1, width], the class last.
  const auto predictions = file.values<double>("predictions");
  const auto permutation = model.pass.permutation();
  constexpr std::size_t width = Model::target_width, patches = Model::Grid::patches;
  const std::size_t places = predictions.size() == images * patches * width ? patches : patches + 1;
  std::vector<double> ours(Model::streams * images * places * width);
  REQUIRE(ours.size() == predictions.size());
  model.pass.run(
      model.reading(), nullptr, model.batch, model.pass.mean_scale(),
      [&](std::size_t s, auto prediction) {
        const auto& source = model.pass.tables().streams[s].source;
        for (std::int64_t r = 0; r < prediction.rows(); ++r) {
          const std::size_t image = source[r] < 0 ? -1 - source[r] : source[r] / patches,
                            place = source[r] < 0 ? patches : permutation[source[r]];
          for (std::size_t c = 0; c < width; ++c)
            ours[((s * images + image) * places + place) * width + c] += static_cast<double>(
                prediction[r][c]);
        }
      });
  double difference = 0;
  for (std::size_t i = 0; i < ours.size(); ++i)
    difference = std::max(difference, std::abs(ours[i] - predictions[i]));
  CHECK(difference <= (std::is_same_v<S, double> ? 1e-9 : 1e-4));

  // 20 steps of AdamW on the same batch and ranks.
  const auto losses = file.values<double>("losses");
  std::vector<ParameterRun> runs;
  for (const auto& [name, tensor, offset] : Model::parameters())
    runs.push_back({offset, offset + tensor.size(), 1.0f, tensor.decay ? 1.0f : 0.0f});
  std::vector<S> moment1(Model::parameter_count), moment2(Model::parameter_count);
  AdamW adamw;
  const auto span = [](auto& values) {
    return Span(values.data(), static_cast<std::int64_t>(values.size()));
  };
  for (adamw.step = 1; adamw.step <= 20; ++adamw.step) {
    CHECK(std::abs(model.run(ranks) - losses[adamw.step - 1]) <=
          (std::is_same_v<S, double> ? 1e-9 : 1e-4));
    device.run(ops::Update<AdamW, D>{
        .rule = adamw,
        .runs = Span<const ParameterRun>(runs.data(), static_cast<std::int64_t>(runs.size())),
        .gradient = span(model.gradients),
        .master = span(model.parameters),
        .states = {span(moment1), span(moment2)}});
  }
}

}  // namespace arvit::test
