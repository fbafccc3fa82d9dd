// SPDX-License-Identifier: BSL-1.0
// The rank engine against dense masks: loss and every gradient, double precision, for the decoders
// that are hardest to fit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "arvit/core/random.hpp"
#include "arvit/decoder/twin.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/dense.hpp"
#include "support/model_case.hpp"

namespace arvit::test {
namespace {

using Encoder = ViT<4, 24, 3, Patch<4>, Image<12, 16>>;
using Bare = ViT<4, 24, 3, Patch<4>, Image<12, 16>, NoClassToken>;
constexpr int images = 3, patches = 12;
using Ranks = std::vector<std::vector<int>>;

template <class Model>
dense::Problem problem_of(const ModelCase<Model, Reference<double>>& model, const Ranks& ranks) {
  using E = typename Model::Encoder;
  dense::Problem problem;
  problem.height = E::Grid::height;
  problem.width = E::Grid::width;
  problem.patch = E::Grid::patch;
  problem.dim = E::dim;
  problem.depth = E::depth;
  problem.heads = E::heads;
  problem.class_token = E::has_class_token;
  problem.images = model.batch.pixels;
  problem.images_count = model.images;
  problem.ranks = ranks;
  problem.mlp_head = std::is_same_v<typename Model::HeadKind, MlpHead>;
  for (const auto& [name, values] : model.named(model.parameters))
    problem.parameters[name] = {values.begin(), values.end()};
  return problem;
}

/// Groups of random sizes: ranks 0 (only with `zero`) .. top, every rank in use, top between 2 and
/// `most`.
Ranks random_ranks(std::uint32_t seed, bool zero, int most, int count = images) {
  Ranks all;
  for (int image = 0; image < count; ++image) {
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(image)});
    const int top = 2 + static_cast<int>(stream.below(static_cast<std::uint32_t>(most - 1))),
              first = zero ? 0 : 1;
    std::vector<int> ranks(patches);
    for (int i = 0; i < patches; ++i)
      ranks[i] = i <= top - first ? first + i
                                  : first + static_cast<int>(stream.below(
                                                static_cast<std::uint32_t>(top - first + 1)));
    shuffle(std::span<int>(ranks), stream);
    all.push_back(ranks);
  }
  return all;
}
Ranks permutations(std::uint32_t seed) {
  Ranks all;
  for (int image = 0; image < images; ++image) {
    std::vector<int> ranks(patches);
    for (int i = 0; i < patches; ++i) ranks[i] = i + 1;
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(image)});
    shuffle(std::span<int>(ranks), stream);
    all.push_back(ranks);
  }
  return all;
}
/// Ranks 0 (visible) and 1 (masked); 2, 5 and 8 patches are visible.
Ranks masks(std::uint32_t seed) {
  Ranks all;
  for (int image = 0; image < images; ++image) {
    std::vector<int> ranks(patches, 1);
    std::fill_n(ranks.begin(), 2 + 3 * image, 0);
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(image)});
    shuffle(std::span<int>(ranks), stream);
    all.push_back(ranks);
  }
  return all;
}
std::vector<int> flat(const Ranks& ranks) {
  std::vector<int> all;
  for (const auto& image : ranks) all.insert(all.end(), image.begin(), image.end());
  return all;
}

template <class Model>
void check_equal(const ModelCase<Model, Reference<double>>& model, double loss,
                 const dense::Result& oracle) {
  CHECK(std::abs(loss - oracle.loss) < 1e-10 * std::max(1.0, std::abs(loss)));
  double largest = 0;
  for (const auto& entry : model.named(model.gradients)) {
    const auto& name = entry.first;  // clang 14 captures no structured bindings
    const auto& values = entry.second;
    CAPTURE(name);
    const auto found = oracle.gradients.find(name);
    REQUIRE(found != oracle.gradients.end());
    REQUIRE(found->second.size() == values.size());
    double difference = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      difference = std::max(difference, std::abs(values[i] - found->second[i]));
      largest = std::max(largest, std::abs(values[i]));
    }
    CHECK(difference < 1e-10);
  }
  CHECK(largest > 1e-3);  // the comparison is not of zeros
}

template <class Model, class Oracle> void compare(const Ranks& ranks, Oracle&& oracle) {
  Reference<double> device;
  ModelCase<Model, Reference<double>> model(device, static_cast<int>(ranks.size()));
  const double loss = model.run(flat(ranks));
  check_equal(model, loss, oracle(problem_of(model, ranks)));
}

/// Pixels with a class token's target, zeros, as the oracle has them.
struct PixelsAndClass : Pixel {
  static constexpr bool has_class = true;
};
template <class E, class K, class T = Target<Pixel>>
using With = Pretrainer<E, Decoder<K>, OrderPolicy<Stochastic>, T>;
template <class E, class T>
using Masked = Pretrainer<E, Decoder<InPlace>, OrderPolicy<RandomMask<std::ratio<2, 5>>>, T>;

}  // namespace

TEST_CASE("parallel: ranks with ties, empty rows and groups, images of different length") {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const Ranks ranks = random_ranks(seed, seed % 2 == 0, 11);
    compare<With<Encoder, Parallel<4>>>(ranks,
                                        [](auto p) { return dense::parallel(p, 4, false, false); });
    compare<With<Bare, Parallel<4>>>(ranks,
                                     [](auto p) { return dense::parallel(p, 4, false, false); });
    compare<With<Encoder, Parallel<2>>>(ranks,
                                        [](auto p) { return dense::parallel(p, 2, false, false); });
    compare<With<Encoder, Parallel<3, ReadsPrevious>>>(
        ranks, [](auto p) { return dense::parallel(p, 3, true, false); });
    compare<With<Encoder, Parallel<4, SharedWeights>>>(
        ranks, [](auto p) { return dense::parallel(p, 4, false, true); });
  }
}
TEST_CASE("causal: the output at a token predicts the next patch of any order") {
  compare<With<Encoder, Causal>>(permutations(5), [](auto p) { return dense::causal(p); });
}
TEST_CASE(
    "joint: latents and mask tokens in one sequence, a different number visible in each image") {
  const Ranks ranks = masks(6);
  compare<Pretrainer<Encoder, Decoder<Joint<3, 16, 4>>, OrderPolicy<RandomMask<>>, Target<Pixel>>>(
      ranks, [](auto p) { return dense::joint(p, 16, 3, 4); });
  compare<Pretrainer<Encoder, Decoder<Joint<1, 16, 4>>, OrderPolicy<RandomMask<>>, Target<Pixel>>>(
      ranks, [](auto p) { return dense::joint(p, 16, 1, 4); });
}
TEST_CASE("in place: mask tokens in the encoder, a different number of them in each image") {
  for (std::uint32_t seed = 15; seed <= 17; ++seed) {
    Ranks ranks = masks(seed);
    if (seed == 17) {
      ranks[1].assign(patches, 1);  // all masked
      ranks[2].assign(patches, 0);  // none
    }
    compare<Masked<Encoder, Target<Pixel>>>(ranks, dense::in_place);
    compare<Masked<Bare, Target<Pixel, MlpHead>>>(ranks, dense::in_place);
    compare<Masked<Encoder, Target<Pixel, RawPatches, L1>>>(ranks, [](auto p) {
      p.standardise = false;
      p.l1 = true;
      return dense::in_place(p);
    });
  }
}
TEST_CASE(
    "in place: pixels of masked patches reach neither the predictions nor the patch embedding's "
    "gradient") {
  using Model = Masked<Encoder, Target<Pixel, RawPatches>>;
  const auto gradients = [](const Ranks& ranks,
                            double shift) {  // with every pixel of a masked patch moved
    Reference<double> device;
    ModelCase<Model, Reference<double>> model(device, 1);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 16; ++x)
        if (ranks[0][y / 4 * 4 + x / 4] > 0)
          for (int c = 0; c < 3; ++c) model.batch.pixels[(c * 12 + y) * 16 + x] += shift;
    model.run(flat(ranks));
    std::map<std::string, std::vector<double>> gradient;
    for (const auto& [name, values] : model.named(model.gradients))
      gradient[name] = {values.begin(), values.end()};
    return gradient;
  };
  // All patches masked: the embedding has no part in the loss.
  const auto masked = gradients({std::vector<int>(patches, 1)}, 0);
  for (const char* name : {"patch_embed.proj.weight", "patch_embed.proj.bias"})
    CHECK(std::all_of(masked.at(name).begin(), masked.at(name).end(),
                      [](double value) { return value == 0; }));
  CHECK(std::any_of(masked.at("mask_token").begin(), masked.at("mask_token").end(),
                    [](double value) { return std::abs(value) > 1e-3; }));
  // The targets move by 1, so the errors do; with predictions unmoved, the head's bias has a
  // gradient moved by -2 / width in every entry.
  const Ranks some = {masks(18)[1]};
  const auto before = gradients(some, 0), after = gradients(some, 1);
  for (std::size_t i = 0; i < before.at("decoder_pred.bias").size(); ++i)
    CHECK(std::abs(after.at("decoder_pred.bias")[i] - before.at("decoder_pred.bias")[i] +
                   2.0 / Model::target_width) < 1e-12);
}
TEST_CASE("two-stream: the encoder's own weights, keys and values inside each layer") {
  for (std::uint32_t seed = 7; seed <= 10; ++seed) {
    const Ranks ranks = random_ranks(seed, seed % 2 == 0, 11);
    compare<With<Encoder, TwoStream<>>>(ranks, [](auto p) { return dense::two_stream(p, false); });
    compare<With<Bare, TwoStream<>, Target<Pixel, MlpHead>>>(
        ranks, [](auto p) { return dense::two_stream(p, false); });
    compare<With<Encoder, TwoStream<TokenOnly>>>(ranks,
                                                 [](auto p) { return dense::two_stream(p, true); });
  }
  compare<With<ViT<1, 24, 3, Patch<4>, Image<12, 16>>, TwoStream<>>>(
      permutations(11), [](auto p) { return dense::two_stream(p, false); });
}
TEST_CASE("twin: taps of several layers, queries that read each other, class token last") {
  using Model = With<Encoder, Twin<2, 16, HeadWidth<4>>, Target<PixelsAndClass>>;
  for (std::uint32_t seed = 11; seed <= 13; ++seed) {
    const Ranks ranks = random_ranks(seed, false, 5);
    Reference<double> device;
    ModelCase<Model, Reference<double>> model(device, images);
    auto problem = problem_of(model, ranks);
    // The released bridge is one map whose output channels interleave the decoder layers: layer m
    // takes channels m, m + 2, ...
    constexpr int layers = 2, width = 16, wide = 4 * 24;
    for (const std::string branch : {"gen_", "dis_"}) {
      std::vector<double> weight(layers * width * wide), bias(layers * width);
      for (int m = 0; m < layers; ++m)
        for (int c = 0; c < width; ++c) {
          const std::string ours = branch + "bridge." + std::to_string(m);
          bias[c * layers + m] = problem.parameters.at(ours + ".bias")[c];
          for (int i = 0; i < wide; ++i)
            weight[(c * layers + m) * wide + i] = problem.parameters.at(ours +
                                                                        ".weight")[c * wide + i];
        }
      problem.parameters[branch + "bridge.weight"] = weight;
      problem.parameters[branch + "bridge.bias"] = bias;
    }
    auto oracle = dense::twin(problem, width, layers, 4, {2, 3, 3, 4});
    for (const std::string branch : {"gen_", "dis_"})
      for (int m = 0; m < layers; ++m) {
        const std::string ours = branch + "bridge." + std::to_string(m);
        for (int c = 0; c < width; ++c) {
          oracle.gradients[ours + ".bias"].resize(width);
          oracle.gradients[ours + ".weight"].resize(width * wide);
          oracle.gradients[ours + ".bias"][c] = oracle.gradients.at(branch +
                                                                    "bridge.bias")[c * layers + m];
          for (int i = 0; i < wide; ++i)
            oracle.gradients[ours + ".weight"][c * wide + i] = oracle.gradients.at(
                branch + "bridge.weight")[(c * layers + m) * wide + i];
        }
      }
    const double loss = model.run(flat(ranks));
    check_equal(model, loss, oracle);
  }
}
TEST_CASE("targets: blur, raw patches, absolute error, linear head") {
  const Ranks ranks = permutations(14);
  const auto parallel = [](auto p) { return dense::parallel(p, 4, false, false); };
  compare<With<Encoder, Parallel<4>, Target<Pixel, RawPatches>>>(ranks, [&](auto p) {
    p.standardise = false;
    return parallel(p);
  });
  compare<With<Encoder, Parallel<4>, Target<Pixel, L1, LinearHead>>>(ranks, [&](auto p) {
    p.l1 = true;
    return parallel(p);
  });
  compare<With<Encoder, Parallel<4>, Target<Gaussian<5, std::ratio<3, 2>>>>>(ranks, [&](auto p) {
    p.target = dense::TargetKind::gaussian;
    const auto kernel = Gaussian<5, std::ratio<3, 2>>::kernel<double>();
    p.kernel.assign(kernel.weight.begin(), kernel.weight.begin() + kernel.count);
    return parallel(p);
  });
}

}  // namespace arvit::test
