// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/in_place.hpp"

#include "arvit/order/random_mask.hpp"
#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

using Encoder = Small<3>;
template <class E, class T = Target<Pixel>>
using Masked = With<E, InPlace, T, RandomMask<std::ratio<2, 5>>>;

}  // namespace

TEST_CASE("decoder/in_place: gradients") {
  check_gradients<Masked<Encoder>>(masks(15, 2));
  check_gradients<Masked<Small<1, LearnedPositions>>>(masks(16, 2));
}
TEST_CASE(
    "decoder/in_place: mask tokens in the encoder, a different number of them in each image") {
  for (std::uint32_t seed = 15; seed <= 17; ++seed) {
    Ranks ranks = masks(seed);
    if (seed == 17) {
      ranks[1].assign(patches, 1);  // all masked
      ranks[2].assign(patches, 0);  // none
    }
    compare<Masked<Encoder, Target<Pixel>>>(ranks, dense::in_place);
    compare<Masked<Small<3, NoClassToken>, Target<Pixel, MlpHead>>>(ranks, dense::in_place);
    compare<Masked<Encoder, Target<Pixel, RawPatches, L1>>>(ranks, [](auto p) {
      p.standardise = false;
      p.l1 = true;
      return dense::in_place(p);
    });
  }
}
TEST_CASE(
    "decoder/in_place: pixels of masked patches reach neither the predictions nor the patch "
    "embedding's "
    "gradient") {
  using Model = Masked<Encoder, Target<Pixel, RawPatches>>;
  const auto gradients = [](const Ranks& ranks,
                            double shift) {  // with every pixel of a masked patch moved
    Reference<double> device;
    ModelCase<Model, Reference<double>> model(device, 1);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 6; ++y)
        for (int x = 0; x < 8; ++x)
          if (ranks[0][y / 2 * 4 + x / 2] > 0) model.batch.pixels[(c * 6 + y) * 8 + x] += shift;
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
TEST_CASE("decoder/in_place: the last layer drops what its images drop") {
  using Model = Masked<Small<1, LearnedPositions>>;
  constexpr int images = 4;
  constexpr double rate = 0.5;
  const auto dropped = [&](int image, std::uint32_t branch) {
    return Stream(counters(images)[image].with(Purpose::drop_path, branch)).uniform() < rate;
  };
  Reference<double> device;
  ModelCase<Model, Reference<double>> model(device, images);
  model.pass.drop_path(rate);
  // By image, rows of its predictions one after the other, with one number of a parameter moved.
  const auto predictions = [&](const std::string& name, double by) {
    for (const auto& [parameter, tensor, offset] : Model::parameters())
      if (parameter == name) model.parameters[offset] += by;
    std::vector<std::vector<double>> result(images);
    model.pass.order_by_ranks(flat(masks(5, images)), counters(images));
    model.pass.run(model.reading(), nullptr, model.batch, model.pass.mean_scale(),
                   [&](std::size_t, auto prediction) {
                     for (std::int64_t r = 0; r < prediction.rows(); ++r) {
                       const auto at = model.pass.tables().streams[0].source[r] / patches;
                       result[at].insert(result[at].end(), prediction[r],
                                         prediction[r] + Model::target_width);
                     }
                   });
    return result;
  };
  int one_branch = 0;
  for (int image = 0; image < images; ++image) one_branch += dropped(image, 0) != dropped(image, 1);
  REQUIRE(one_branch > 0);  // else one branch could not be told from the other
  for (const std::uint32_t branch : {0, 1}) {
    const std::string name = branch == 0 ? "blocks.0.attn.proj.bias" : "blocks.0.mlp.fc2.bias";
    const auto before = predictions(name, 0), after = predictions(name, 0.5);
    predictions(name, -0.5);
    for (int image = 0; image < images; ++image)
      CHECK((before[image] == after[image]) == dropped(image, branch));
  }
}

}  // namespace arvit::test
