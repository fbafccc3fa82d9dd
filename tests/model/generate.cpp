// SPDX-License-Identifier: BSL-1.0
#include "arvit/model/generate.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "arvit/device/cpu.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/models.hpp"
#include "support/model_case.hpp"

namespace arvit::test {
namespace {

using Encoder = ViT<3, 24, 3, Patch<4>, Image<12, 16>>;
using Bare = ViT<3, 24, 3, Patch<4>, Image<12, 16>, NoClassToken>;
using OfCodes = ViT<3, 24, 3, Patch<4>, Image<12, 16>, Embedding<Codes<20>>>;
using Conditioned = ViT<3, 24, 3, Patch<4>, Image<12, 16>, Conditions<Pooled<Codes<7>>>>;
using Learned = ViT<3, 24, 3, Patch<4>, Image<12, 16>, LearnedPositions>;
using Rotary = ViT<3, 24, 3, Patch<4>, Image<12, 16>, RotaryPositions>;
constexpr int patches = 12;

/// Of each (image, patch) the prediction.
using Predictions = std::map<std::pair<int, int>, std::vector<double>>;

template <class Model>
Predictions whole_pass(ModelCase<Model, Reference<double>>& model, std::span<const int> ranks) {
  Predictions result;
  model.pass.order_by_ranks(ranks);
  const auto permutation = [&] {
    auto all = std::vector<std::int32_t>(ranks.size());
    std::vector<std::int32_t> one;
    std::vector<int> ends;
    for (std::size_t i = 0; i < ranks.size(); i += patches) {
      profile_of_ranks(ranks.subspan(i, patches), ends, one);
      std::copy(one.begin(), one.end(), all.begin() + i);
    }
    return all;
  }();
  model.pass.run(
      model.reading(), nullptr, model.batch, model.pass.mean_scale(),
      [&](std::size_t, const auto& rows) {
        const auto& source = model.pass.tables().streams[0].source;
        for (std::size_t r = 0; r < source.size(); ++r)
          result[{source[r] / patches, permutation[static_cast<std::size_t>(source[r])]}] = {
              rows[static_cast<std::int64_t>(r)],
              rows[static_cast<std::int64_t>(r)] + Model::target_width};
      });
  return result;
}
/// What is not predicted yet is NaN; of codes, another code.
template <class Model, class D>
Predictions by_groups(Generator<Model, D>& generator, std::span<const int> ranks,
                      const Statistic<D>* truth, std::span<const Statistic<D>> conditions = {}) {
  using Grid = typename Model::Grid;
  constexpr bool codes = Model::reads_codes;
  Predictions result;
  std::vector<Statistic<D>> content(ranks.size() / patches * (codes ? patches : Grid::image_width));
  const auto copy_patch = [&](std::size_t image, int patch, bool known) {
    const std::size_t in_codes = image * patches + static_cast<std::size_t>(patch);
    if (codes) {
      content[in_codes] = known ? truth[in_codes] : truth[in_codes] == 0;
      return;
    }
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < Grid::patch; ++y)
        for (int x = 0; x < Grid::patch; ++x) {
          const std::size_t at = image * Grid::image_width +
                                 static_cast<std::size_t>(
                                     (c * Grid::height + patch / Grid::columns * Grid::patch + y) *
                                         Grid::width +
                                     patch % Grid::columns * Grid::patch + x);
          content[at] = known ? truth[at] : std::numeric_limits<Statistic<D>>::quiet_NaN();
        }
  };
  for (std::size_t i = 0; i < ranks.size(); ++i)
    copy_patch(i / patches, static_cast<int>(i % patches), ranks[i] == 0);
  generator.begin(ranks);
  while (generator.remaining() > 0) {
    const auto prediction = generator.predict(
        {.pixels = content, .codes = content, .conditions = conditions});
    for (std::size_t r = 0; r < prediction.patch.size(); ++r) {
      const auto row = prediction.values.begin() +
                       static_cast<std::ptrdiff_t>(r) * Model::target_width;
      CHECK(result
                .emplace(std::pair{prediction.image[r], prediction.patch[r]},
                         std::vector<double>(row, row + Model::target_width))
                .second);
      copy_patch(static_cast<std::size_t>(prediction.image[r]), prediction.patch[r], true);
    }
  }
  return result;
}
double largest_difference(const Predictions& a, const Predictions& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0, size = 0;
  for (const auto& [at, values] : a) {
    REQUIRE(b.contains(at));
    for (std::size_t c = 0; c < values.size(); ++c) {
      largest = std::max(largest, std::abs(values[c] - b.at(at)[c]));
      size = std::max(size, std::abs(values[c]));
    }
  }
  CHECK(size > 0.1);
  return largest;
}

/// Three images with groups of different number and size; with a condition, without, and half of
/// the one and half of the other.
const std::vector<std::vector<int>> profiles{
    {0, 0, 1, 1, 1, 2, 2,      3, 3, 4, 4, 4, /**/ 5, 2, 0, 1, 1, 1,
     1, 0, 0, 3, 4, 5, /**/ 1, 0, 1, 0, 1, 0, 1,      0, 1, 0, 1, 0},
    {1, 2, 3, 4, 5, 6, 7,      8, 9,  10, 11, 12, /**/ 12, 11, 10, 9, 8, 7,
     6, 5, 4, 3, 2, 1, /**/ 7, 1, 12, 3,  10, 2,  4,       11, 5,  9, 6, 8},
    {1, 1, 1, 1, 1, 1, 1,       1, 1, 1,  1, 1, /**/ 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 1, /**/ 30, 1, 1, 30, 7, 7, 0,      0, 2, 2, 5, 5},
};

template <class Model> void check_exact(std::span<const int> ranks) {
  Reference<double> device;
  const int images = static_cast<int>(ranks.size()) / patches;
  ModelCase<Model, Reference<double>> model(device, images);
  Generator<Model, Reference<double>> generator(device, images);
  generator.load(model.parameters);
  const auto& content = Model::reads_codes ? model.batch.codes : model.batch.pixels;
  CHECK(largest_difference(whole_pass(model, ranks), by_groups(generator, ranks, content.data(),
                                                               std::span(model.batch.conditions))) <
        1e-12);
}

using Raw = Target<Pixel, RawPatches>;

}  // namespace

TEST_CASE("generate: group after group predicts what a whole pass over the same content does") {
  for (const auto& ranks : profiles) {
    check_exact<GVP<Encoder, Grouped<Mixed<5>>>>(ranks);
    check_exact<GVP<Bare, Grouped<Mixed<5>>>>(ranks);
    check_exact<GVP<Encoder, Grouped<Fixed<3>>, Target<Codes<20>>, TwoStream<TokenOnly>>>(ranks);
    check_exact<GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<20>>>>(ranks);
    check_exact<GVP<Conditioned, Grouped<Mixed<5>>>>(ranks);
    check_exact<SAIM<Encoder, Parallel<3>>>(ranks);
    check_exact<SAIM<Bare, Parallel<2>, Raw>>(ranks);
    check_exact<SAIM<Encoder, Parallel<1>>>(ranks);
    check_exact<SAIM<Encoder, Parallel<3, SharedWeights>>>(ranks);
    check_exact<SAIM<Encoder, Parallel<2, ReadsPrevious>>>(ranks);
    check_exact<SAIM<Rotary, Parallel<3>>>(ranks);
    check_exact<GVP<Rotary, Grouped<Mixed<5>>>>(ranks);
    check_exact<GVP<Learned, Grouped<Mixed<5>>>>(ranks);
  }
  check_exact<CausalViT<Rotary>>(profiles[1]);
  check_exact<CausalViT<Encoder>>(profiles[1]);
  check_exact<CausalViT<Encoder, Target<Codes<20>, LinearHead>, Stochastic>>(profiles[1]);
  check_exact<iGPT<OfCodes, Codes<20>>>(profiles[1]);
}

TEST_CASE(
    "generate: Causal reads the given beginning at once, and a picture that is given whole waits "
    "beside others") {
  using Model = CausalViT<Encoder>;
  Reference<double> device;
  ModelCase<Model, Reference<double>> model(device, 3);
  Generator<Model, Reference<double>> generator(device, 3);
  generator.load(model.parameters);
  std::vector<int> ranks(3 * patches),
      one_by_one(3 * patches);  // 0 .. 11, of which 3, none and all are given
  for (int patch = 0; patch < patches; ++patch) {
    const auto at = static_cast<std::size_t>(patch);
    ranks[at] = std::max(0, patch - 2);
    ranks[patches + at] = patch + 1;
    one_by_one[at] = one_by_one[patches + at] = one_by_one[2 * patches + at] = patch + 1;
  }
  auto expected = whole_pass(model, one_by_one);
  std::erase_if(expected, [](const auto& prediction) {
    return prediction.first.first == 2 ||
           (prediction.first.first == 0 && prediction.first.second < 3);
  });
  CHECK(largest_difference(expected, by_groups(generator, ranks, model.batch.pixels.data())) <
        1e-12);
}

TEST_CASE(
    "generate: neither the batch nor the number of threads matters, and one generator serves batch "
    "after batch") {
  using Model = GVP<Encoder, Grouped<Mixed<5>>>;
  const auto& ranks = profiles[0];
  Reference<float> plain;
  Cpu<Fp32> one({1, {}}), three({3, {}});
  const ModelCase<Model, Reference<float>> model(plain, 3);
  const auto images_of = [&](auto& device, int most_images) {
    Generator<Model, std::remove_cvref_t<decltype(device)>> generator(device, most_images);
    generator.load(model.parameters);
    Predictions all;
    for (int image = 0; image < 3; image += std::min(most_images, 3)) {
      const int count = std::min(most_images, 3);
      for (auto& [at, values] :
           by_groups(generator, std::span(ranks).subspan(image * patches, count * patches),
                     model.batch.pixels.data() + image * Model::Grid::image_width))
        all[{at.first + image, at.second}] = values;
    }
    return all;
  };
  CHECK(images_of(plain, 1) == images_of(plain, 4));
  CHECK(images_of(one, 4) == images_of(three, 4));
  CHECK(images_of(one, 1) == images_of(three, 1));
  CHECK(largest_difference(images_of(plain, 3), images_of(one, 3)) < 1e-5);
  CHECK(largest_difference(images_of(one, 1), images_of(one, 3)) <
        1e-5);  // another shape of the products sums in another order
}

TEST_CASE(
    "pretrain pass: ranks that are no images, and pixels or codes that are not those of the batch, "
    "are refused") {
  Reference<double> device;
  ModelCase<SemAIM<Encoder, Parallel<2>>, Reference<double>> model(device, 2);
  CHECK_THROWS_AS(model.pass.order_by_ranks(std::vector<int>(patches + 1, 1)), ShapeError);
  CHECK_THROWS_AS(
      model.pass.order_by_ranks(std::vector<int>(2 * patches, 1), std::vector<Counter>(1)),
      ShapeError);
  const std::vector<Counter> one{{1, 0, 0}};
  CHECK_THROWS_AS(model.pass.order(model.reading(), {}, one), ShapeError);
  CHECK_THROWS_AS(model.pass.order(model.reading(), model.batch, one),
                  ShapeError);  // two images for one counter
  const auto nothing = [](int, const auto&, const auto&) {};
  model.pass.order(model.reading(), model.batch, std::vector<Counter>{{1, 0, 0}, {1, 0, 1}});
  CHECK_THROWS_AS(model.pass.encode(model.reading(), {}, nothing), ShapeError);
  ModelCase<GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<20>>>, Reference<double>> of_codes(device,
                                                                                            1);
  of_codes.pass.order(of_codes.reading(), {}, one);
  CHECK_THROWS_AS(of_codes.pass.encode(of_codes.reading(), {}, nothing), ShapeError);
}

TEST_CASE("generate: wrong batches, ranks and calls are refused") {
  Reference<float> device;
  using Model = CausalViT<Encoder>;
  Generator<Model, Reference<float>> generator(device, 2);
  CHECK_THROWS_AS((Generator<Model, Reference<float>>(device, 0)), OptionError);
  CHECK_THROWS_AS(generator.load(std::vector<float>(7)), ShapeError);
  CHECK_THROWS_AS(generator.begin(std::vector<int>(3 * patches, 0)), ShapeError);
  CHECK_THROWS_AS(generator.begin(std::vector<int>(patches + 1, 0)), ShapeError);
  CHECK_THROWS_WITH_AS(
      generator.begin(std::vector<int>(patches, 1)),
      "generator: image 0 has 12 patches of one rank; a Causal decoder predicts one at a time.",
      ShapeError);
  using Labelled =
      GVP<ViT<3, 24, 3, Patch<4>, Image<12, 16>, Conditions<Labels<3>>>, Grouped<Mixed<5>>>;
  Generator<Labelled, Reference<float>> labelled(device, 2);
  const std::vector<float> pixels(2 * Encoder::Grid::image_width);
  labelled.begin(std::vector<int>(2 * patches, 1));
  CHECK_THROWS_WITH_AS(
      labelled.predict({.pixels = pixels, .conditions = std::vector<float>{3, 4}}),
      "condition: label 4 of image 1 is none of 0 .. 3, the last of which means unknown.",
      ShapeError);
  CHECK_THROWS_WITH_AS(labelled.predict({.pixels = pixels, .conditions = std::vector<float>{3}}),
                       "batch: its conditions are 1 numbers, 2 images need 2; give 1 for each.",
                       ShapeError);
  using FromCodes = GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<20>>>;
  Generator<FromCodes, Reference<float>> from_codes(device, 1);
  from_codes.load(std::vector<float>(FromCodes::parameter_count));
  std::vector<int> half(patches, 1);
  half[7] = 0;
  std::vector<float> codes(patches, 99);  // only what is given is read
  codes[7] = 19;
  from_codes.begin(half);
  from_codes.predict({.codes = codes});
  codes[7] = 20;
  from_codes.begin(half);
  CHECK_THROWS_AS(from_codes.predict({.codes = codes}), ShapeError);
  generator.begin(std::vector<int>(patches, 0));
  CHECK(generator.remaining() == 0);
  CHECK_THROWS_AS(generator.predict({}), ShapeError);
}

}  // namespace arvit::test
