// SPDX-License-Identifier: BSL-1.0
// Drop path through the seam: slopes of the loss are its gradients, and a dropped branch has no
// part in a prediction.
#include <doctest/doctest.h>

#include <cmath>

#include "arvit/core/random.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/model_case.hpp"

namespace arvit::test {
namespace {

constexpr int images = 4, patches = 12;
constexpr double rate = 0.5;
template <int Depth> using Encoder = ViT<Depth, 24, 3, Patch<4>, Image<12, 16>>;
template <int Depth, class K, class O = RandomMask<std::ratio<2, 5>>>
using With = Pretrainer<Encoder<Depth>, Decoder<K>, OrderPolicy<O>, Target<Pixel>>;

std::vector<Counter> counters() {
  std::vector<Counter> all;
  for (std::uint32_t i = 0; i < images; ++i) all.push_back({.seed = 5, .epoch = 0, .image = i});
  return all;
}
bool dropped(int image, int branch) {
  return Stream(counters()[static_cast<std::size_t>(image)].with(
                    Purpose::drop_path, static_cast<std::uint32_t>(branch)))
             .uniform() < rate;
}

/// A model whose images have random masks and drop path.
template <class Model> struct Dropping {
  Reference<double> device;
  ModelCase<Model, Reference<double>> model{device, images};
  std::vector<int> ranks = std::vector<int>(images * patches, 1);
  Dropping() {
    model.pass.drop_path(rate);
    for (int image = 0; image < images; ++image) {
      const auto of_image = std::span(ranks).subspan(image * patches, patches);
      std::fill_n(of_image.begin(), 3 + image, 0);
      Stream stream(counters()[image]);
      shuffle(of_image, stream);
    }
  }
  double loss() {
    model.pass.order_by_ranks(ranks, counters());
    std::fill(model.gradients.begin(), model.gradients.end(), 0.0);
    const typename ModelCase<Model, Reference<double>>::Pass::Gradients adding(
        Adding<Reference<double>>(model.gradients.data(), model.gradients.data()));
    model.pass.run(model.reading(), &adding, model.batch, model.pass.mean_scale());
    return model.pass.loss();
  }
  /// By image, rows of its predictions one after the other.
  std::vector<std::vector<double>> predictions() {
    std::vector<std::vector<double>> result(images);
    model.pass.order_by_ranks(ranks, counters());
    model.pass.run(model.reading(), nullptr, model.batch, model.pass.mean_scale(),
                   [&](std::size_t, auto prediction) {
                     for (std::int64_t r = 0; r < prediction.rows(); ++r) {
                       auto& of_image = result[static_cast<std::size_t>(
                           model.pass.tables().streams[0].source[r] / patches)];
                       of_image.insert(of_image.end(), prediction[r],
                                       prediction[r] + Model::target_width);
                     }
                   });
    return result;
  }
  void move(const std::string& name, double by) {
    for (const auto& [parameter, tensor, offset] : Model::parameters())
      if (parameter == name) model.parameters[static_cast<std::size_t>(offset)] += by;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("drop path: the slope of the loss is its gradient", Model, With<3, InPlace>,
                   With<1, InPlace>, With<3, TwoStream<>>, With<3, Parallel<3, SharedWeights>>,
                   With<3, Joint<2, 16, 4>>) {
  Dropping<Model> of;
  of.loss();
  std::vector<double> direction(of.model.parameters.size());
  double slope = 0;
  for (std::size_t i = 0; i < direction.size(); ++i) {
    direction[i] = hashed("direction", i) - 0.5;
    slope += direction[i] * of.model.gradients[i];
  }
  const auto shifted = [&](double step) {
    for (std::size_t i = 0; i < direction.size(); ++i)
      of.model.parameters[i] += step * direction[i];
    const double loss = of.loss();
    for (std::size_t i = 0; i < direction.size(); ++i)
      of.model.parameters[i] -= step * direction[i];
    return loss;
  };
  const double h = 1e-5;
  CHECK(std::abs((shifted(h) - shifted(-h)) / (2 * h) - slope) <
        1e-7 * std::max(1.0, std::abs(slope)));
  CHECK(std::abs(slope) > 1e-2);
}

TEST_CASE("drop path: the last layer of InPlace drops what its images drop") {
  Dropping<With<1, InPlace>> of;
  int one_branch = 0;
  for (int image = 0; image < images; ++image) one_branch += dropped(image, 0) != dropped(image, 1);
  REQUIRE(one_branch > 0);  // else one branch could not be told from the other
  for (const int branch : {0, 1}) {
    const std::string name = branch == 0 ? "blocks.0.attn.proj.bias" : "blocks.0.mlp.fc2.bias";
    const auto before = of.predictions();
    of.move(name, 0.5);
    const auto after = of.predictions();
    of.move(name, -0.5);
    for (int image = 0; image < images; ++image)
      CHECK((before[image] == after[image]) == dropped(image, branch));
  }
}

}  // namespace arvit::test
