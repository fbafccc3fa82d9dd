// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/target/target.hpp"
#include "support/dense_problem.hpp"
#include "support/gradient_check.hpp"
#include "support/model_case.hpp"

/// What a decoder's test needs: small models, ranks, and two judges of loss and gradients in
/// double: a dense model, which shares no code with ours, and differences of the loss.
namespace arvit::test {

/// 3 x 4 patches.
template <int Depth, class... Options>
using Small = ViT<Depth, 4, 2, Patch<2>, Image<6, 8>, Options...>;
constexpr int patches = 12;
template <class Encoder, class Kind, class T = Target<Pixel>, class Order = Stochastic>
using With = Pretrainer<Encoder, Decoder<Kind>, OrderPolicy<Order>, T>;
/// Pixels with a class token's target, zeros, as the dense models have them.
struct PixelsAndClass : Pixel {
  static constexpr bool has_class = true;
};

using Ranks = std::vector<std::vector<int>>;  ///< [images, patches]
namespace detail {
inline void shuffle_image(std::vector<int>& ranks, std::uint32_t seed, int image) {
  Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(image)});
  shuffle(std::span<int>(ranks), stream);
}
}  // namespace detail
/// Groups of random sizes: ranks 0 (only with `zero`) .. top, every rank in use, top between 2 and
/// `most`.
inline Ranks random_ranks(std::uint32_t seed, bool zero, int most, int images = 3) {
  Ranks all;
  for (int image = 0; image < images; ++image) {
    Stream stream(Counter{seed, 0, static_cast<std::uint32_t>(image)});
    const int top = 2 + static_cast<int>(stream.below(static_cast<std::uint32_t>(most - 1)));
    const int first = zero ? 0 : 1;
    const auto groups = static_cast<std::uint32_t>(top - first + 1);
    std::vector<int> ranks(patches);
    for (int i = 0; i < patches; ++i)
      ranks[i] = first + (i <= top - first ? i : static_cast<int>(stream.below(groups)));
    shuffle(std::span<int>(ranks), stream);
    all.push_back(ranks);
  }
  return all;
}
inline Ranks permutations(std::uint32_t seed, int images = 3) {
  Ranks all;
  for (int image = 0; image < images; ++image) {
    std::vector<int> ranks(patches);
    for (int i = 0; i < patches; ++i) ranks[i] = i + 1;
    detail::shuffle_image(ranks, seed, image);
    all.push_back(ranks);
  }
  return all;
}
/// Ranks 0 (visible) and 1 (masked); 2, 5, 8 and 11 patches are visible.
inline Ranks masks(std::uint32_t seed, int images = 3) {
  Ranks all;
  for (int image = 0; image < images; ++image) {
    std::vector<int> ranks(patches, 1);
    std::fill_n(ranks.begin(), 2 + 3 * image, 0);
    detail::shuffle_image(ranks, seed, image);
    all.push_back(ranks);
  }
  return all;
}
inline std::vector<int> flat(const Ranks& ranks) {
  std::vector<int> all;
  for (const auto& image : ranks) all.insert(all.end(), image.begin(), image.end());
  return all;
}
/// With these, at a rate of 0.5 at most, each branch of four layers is kept in one of two images,
/// and all but one of them are dropped in the other.
inline std::vector<Counter> counters(int images) {
  std::vector<Counter> all(images);
  for (int i = 0; i < images; ++i) all[i] = {129, 0, static_cast<std::uint32_t>(i)};
  return all;
}

/// Every entry of every gradient, stream by stream, with drop path and without; and once more with
/// layers that are computed again. `without_part`: prefixes of tensors that no loss depends on.
template <class Model>
void check_gradients(const Ranks& ranks, const std::vector<std::string>& without_part = {}) {
  using D = Reference<double>;
  const int images = static_cast<int>(ranks.size());
  const MadeBatch<Model, double> batch(images);
  for (const double drop_path : {0.0, 0.5}) {
    CAPTURE(drop_path);
    GradientCheck check;
    for (const std::string& prefix : without_part) check.without_part(prefix);
    const auto w = check.parameters<Model>();
    const auto losses = check.output<1>("losses", Model::streams);
    PretrainPass<Model, D> pass(check.device(), images, 1 << 20);
    pass.drop_path(drop_path);
    pass.order_by_ranks(flat(ranks), counters(images));
    check.run(
        [&] {
          pass.run(w.weights, nullptr, batch, pass.mean_scale());
          std::copy_n(pass.stream_losses().data(), Model::streams, losses.data());
        },
        [&] {
          auto scale = pass.mean_scale();
          for (std::size_t s = 0; s < Model::streams; ++s) scale[s] *= losses.gradient[s][0];
          pass.run(w.weights, &w.gradient, batch, scale);
        },
        [&] { pass.recompute(true); });
  }
}

template <class Model>
dense::Problem problem_of(const ModelCase<Model, Reference<double>>& model, const Ranks& ranks) {
  dense::Problem problem = test::problem_of<typename Model::Encoder>(
      Model::parameters(), model.parameters, model.batch.pixels);
  problem.ranks = ranks;
  problem.mlp_head = std::is_same_v<typename Model::HeadKind, MlpHead>;
  return problem;
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
/// Loss and gradients against those of `oracle(problem)`.
template <class Model, class Oracle> void compare(const Ranks& ranks, const Oracle& oracle) {
  Reference<double> device;
  ModelCase<Model, Reference<double>> model(device, static_cast<int>(ranks.size()));
  const double loss = model.run(flat(ranks));
  check_equal(model, loss, oracle(problem_of(model, ranks)));
}

}  // namespace arvit::test
