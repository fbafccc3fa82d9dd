// SPDX-License-Identifier: BSL-1.0
#include "arvit/model/features.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/models.hpp"
#include "support/dense_problem.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

using Small = ViT<4, 24, 3, Patch<4>, Image<12, 16>>;
using Bare = ViT<2, 24, 3, Patch<4>, Image<12, 16>, NoClassToken>;
using Double = Reference<double>;

template <class Encoder> std::vector<double> hashed_parameters() {
  std::vector<double> values(Encoder::parameter_count);
  for (const auto& [name, tensor, offset] : Encoder::parameters())
    fill_parameter<double>(name,
                           {tensor.shape.data(), static_cast<std::size_t>(tensor.dimensions())},
                           {values.data() + offset, static_cast<std::size_t>(tensor.size())});
  return values;
}
TEST_CASE("features: every readout of every layer equals the dense encoder's") {
  Double device;
  const auto parameters = hashed_parameters<Small>(),
             images = hashed_images(3 * Small::Grid::image_width);
  FeatureOptions options{
      .batch = 2, .features = {}};  // three images in batches of two: the last one is not full
  for (int layer = 1; layer <= 4; ++layer)
    for (const Readout readout :
         {Readout::tokens, Readout::class_token, Readout::mean, Readout::class_cosine})
      options.features.push_back({readout, layer, false});
  options.features.push_back({Readout::tokens, 4, true});
  FeatureExtractor<Small, Double> extractor(device, options);
  extractor.load(parameters);
  const auto features = extractor.extract(images);
  REQUIRE(features.size() == 3 * static_cast<std::size_t>(extractor.width()));

  const dense::Problem problem = problem_of<Small>(Small::parameters(), parameters, images);
  double largest = 0;
  const auto compare = [&](double a, double b) { largest = std::max(largest, std::abs(a - b)); };
  for (int image = 0; image < 3; ++image) {
    dense::detail::Model model(problem);
    const auto h = model.encoder(image, model.token_ranks(image, 0));
    const auto normed = model.norm("norm", h.back());
    const double* row = features.data() + image * extractor.width();
    for (std::size_t i = 0; i < extractor.options().features.size(); ++i) {
      const Feature& feature = extractor.options().features[i];
      const auto& tokens = model.tape.value(
          feature.norm ? normed : h[static_cast<std::size_t>(feature.layer)]);
      const double* got = row + extractor.begin(i);
      for (int c = 0; c < Small::dim; ++c) {
        double mean = 0;
        for (int t = 0; t < tokens.rows; ++t) {
          if (feature.readout == Readout::tokens) compare(got[t * Small::dim + c], tokens(t, c));
          if (t > 0) mean += tokens(t, c) / (tokens.rows - 1);
        }
        if (feature.readout == Readout::class_token) compare(got[c], tokens(0, c));
        if (feature.readout == Readout::mean) compare(got[c], mean);
      }
      if (feature.readout != Readout::class_cosine) continue;
      for (int t = 1; t < tokens.rows; ++t) {
        double dot = 0, aa = 0, bb = 0;
        for (int c = 0; c < tokens.columns; ++c) {
          dot += tokens(0, c) * tokens(t, c);
          aa += tokens(0, c) * tokens(0, c);
          bb += tokens(t, c) * tokens(t, c);
        }
        compare(got[t - 1], dot / std::sqrt(aa * bb));
      }
    }
  }
  CHECK(largest < 1e-11);
}

/// Parameters of an encoder with learned positions that are the sin-cos ones, and otherwise those
/// of Small.
template <class Encoder> std::vector<double> as_learned(const std::vector<double>& small) {
  std::vector<double> values(Encoder::parameter_count);
  for (const auto& [name, tensor, offset] : Small::parameters())
    for (const auto& mine : Encoder::parameters())
      if (mine.name == name)
        std::copy_n(small.begin() + offset, tensor.size(), values.begin() + mine.offset);
  const auto table = sincos_positions<double>(Small::Grid::rows, Small::Grid::columns, Small::dim);
  for (const auto& [name, tensor, offset] : Encoder::parameters())
    if (name == "pos_embed") std::copy(table.begin(), table.end(), values.begin() + offset);
  return values;
}

TEST_CASE("features: a learned table of sin-cos positions is them, on every grid") {
  using Learned = ViT<4, 24, 3, Patch<4>, Image<12, 16>, FrozenPositions>;
  Double device;
  const auto parameters = hashed_parameters<Small>();
  for (const auto& [height, width] : {std::pair{12, 16}, std::pair{8, 24}}) {
    const FeatureOptions options{
        .height = height, .width = width, .features = {{Readout::tokens}, {Readout::mean}}};
    FeatureExtractor<Small, Double> fixed(device, options);
    FeatureExtractor<Learned, Double> learned(device, options);
    fixed.load(parameters);
    learned.load(as_learned<Learned>(parameters));
    const auto images = hashed_images(2 * 3 * height * width);
    CHECK(fixed.extract(images) == learned.extract(images));
  }
}

TEST_CASE("features: rotary positions turn on a grid of another size as PyTorch's do") {
  using Rotary = ViT<4, 24, 3, Patch<4>, Image<12, 16>, RotaryPositions>;
  Double device;
  FeatureExtractor<Rotary, Double> extractor(
      device, {.height = 8, .width = 24, .features = {{Readout::tokens}}});
  extractor.load(hashed_parameters<Rotary>());
  const auto tokens = extractor.extract(hashed_images(2 * 3 * 8 * 24));
  const auto expected = Safetensors(std::string(ARVIT_TEST_FIXTURES) + "/features.safetensors")
                            .values<double>("rotary.8x24");
  REQUIRE(tokens.size() == expected.size());
  double largest = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    largest = std::max(largest, std::abs(tokens[i] - expected[i]));
  CHECK(largest < 1e-11);
}

TEST_CASE("features: the class token's attention over patches and itself sums to one") {
  Double device;
  const auto parameters = hashed_parameters<Small>(),
             images = hashed_images(2 * Small::Grid::image_width);
  FeatureExtractor<Small, Double> extractor(
      device, {.features = {{Readout::attention, 2}, {Readout::tokens, 1}}});
  extractor.load(parameters);
  const auto features = extractor.extract(images);
  // Layer 2's own arithmetic on layer 1's tokens, in plain loops.
  const dense::Problem problem = problem_of<Small>(Small::parameters(), parameters, images);
  for (int image = 0; image < 2; ++image) {
    dense::detail::Model model(problem);
    const auto h = model.encoder(image, model.token_ranks(image, 0));
    const auto& qkv = model.tape.value(
        model.linear("blocks.1.attn.qkv", model.norm("blocks.1.norm1", h[1]), 3 * Small::dim));
    const double* got = features.data() + image * extractor.width();
    for (int head = 0; head < 3; ++head) {
      std::vector<double> weight;
      for (int t = 0; t < qkv.rows; ++t) {
        double dot = 0;
        for (int c = 0; c < 8; ++c) dot += qkv(0, head * 8 + c) * qkv(t, 24 + head * 8 + c);
        weight.push_back(std::exp(dot / std::sqrt(8.0)));
      }
      const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
      for (int p = 0; p < Small::Grid::patches; ++p)
        CHECK(got[head * Small::Grid::patches + p] ==
              doctest::Approx(weight[static_cast<std::size_t>(p) + 1] / sum).epsilon(1e-10));
    }
  }
}

TEST_CASE("features: without a class token, and at another size, tokens follow the grid") {
  Double device;
  const auto parameters = hashed_parameters<Bare>();
  FeatureExtractor<Bare, Double> extractor(
      device, {.height = 8, .width = 24, .features = {{Readout::tokens}, {Readout::mean}}});
  extractor.load(parameters);
  CHECK(extractor.tokens() == 12);
  const auto features = extractor.extract(hashed_images(3 * 8 * 24));
  for (int c = 0; c < Bare::dim; ++c) {
    double mean = 0;
    for (int t = 0; t < 12; ++t) mean += features[static_cast<std::size_t>(t * Bare::dim + c)] / 12;
    CHECK(features[static_cast<std::size_t>(extractor.begin(1) + c)] ==
          doctest::Approx(mean).epsilon(1e-12));
  }
}

TEST_CASE("features: an encoder whose decoder uses no norm gets the identity") {
  using Model = Pretrainer<Small, Decoder<Parallel<4>>, OrderPolicy<Stochastic>, Target<Pixel>>;
  std::vector<double> values(Model::parameter_count);
  std::iota(values.begin(), values.end(), 0.0);
  const auto encoder = encoder_parameters<Model>(std::span<const double>(values));
  REQUIRE(encoder.size() == std::size_t(Small::parameter_count));
  CHECK(encoder.back() == Small::parameter_count - 1);
  CHECK_THROWS_WITH_AS(encoder_parameters<Model>(std::span<const double>(values).first(5)),
                       doctest::Contains("encoder: 5 parameters are given"), ShapeError);
}

TEST_CASE(
    "features: a forward without backward keeps the memory of one layer, 7 Dim numbers a row") {
  using Encoder = ViT<12, 768, 12>;
  const auto bytes_of_image = [](Feature feature) {
    const auto bytes = [&](int batch) {
      return FeatureExtractor<Encoder, Reference<float>>::activation_bytes(
          {.batch = batch, .features = {feature}});
    };
    return static_cast<double>(bytes(9) - bytes(1)) / 8;
  };
  const double row = 4.0 * (7 * 768 + 12 + 2 * 2) + 2 * 4;
  const auto near = [](double value) { return doctest::Approx(value).epsilon(0.01); };
  CHECK(bytes_of_image({Readout::class_token}) == near(197 * row));
  CHECK(bytes_of_image({Readout::tokens}) == near(197 * (row + 4.0 * 768)));
  CHECK(bytes_of_image({Readout::attention}) ==
        near(197 * (row + 4.0 * 3 * 768)));  // q, k and v are read
}

TEST_CASE("features: what cannot be is refused in one sentence") {
  Double device;
  const auto refused = [&]<class E>(E, FeatureOptions options) {
    try {
      FeatureExtractor<E, Double> extractor(device, options);
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refused(Small{}, {.batch = 0}) == "batch: 0 images; it must be at least 1.");
  CHECK(refused(Small{}, {.height = 13}) ==
        "image: 13 x 16 pixels; both must be multiples of the patch of 4 pixels.");
  CHECK(refused(Small{}, {.features = {{Readout::mean, 5}}}) ==
        "layer: 5 is not a layer of this encoder; choose 1 to 4.");
  CHECK(refused(Small{}, {.features = {}}) ==
        "features: none is chosen; choose at least one readout.");
  CHECK(refused(Bare{}, {}) ==
        "pooling: 'class' needs a class token, which this encoder lacks; choose mean or tokens.");
  FeatureExtractor<Small, Double> extractor(device, {});
  CHECK_THROWS_WITH_AS(extractor.load(std::vector<double>(3)),
                       doctest::Contains("features: 3 parameters are given"), ShapeError);
  CHECK_THROWS_AS(extractor.extract(std::vector<double>(100)), ShapeError);
  CHECK_THROWS_WITH_AS(readout_from("clas"), doctest::Contains("did you mean 'class'?"),
                       OptionError);
}

}  // namespace
}  // namespace arvit::test
