// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/reconstruct.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "arvit/core/initialise.hpp"
#include "arvit/models.hpp"
#include "arvit/show/maps.hpp"
#include "arvit/variants.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

using Small = ViT<2, 24, 3, Patch<4>, Image<12, 16>>;
using Autoregressive = SAIM<Small, Parallel<2>>;
using Ordered = SemAIM<Small, Parallel<2>>;
using Masked = MAE<Small, Joint<2, 16, 2>>;
using Raw = SAIM<Small, Parallel<2>, Target<Pixel, RawPatches>>;
using Device = Reference<float>;

std::vector<float> images(int count) {
  const auto values = hashed_images(static_cast<std::size_t>(count) * Small::Grid::image_width);
  return {values.begin(), values.end()};
}
std::vector<Counter> counters(int count) {
  std::vector<Counter> result;
  for (int i = 0; i < count; ++i) result.push_back({1, 0, static_cast<std::uint32_t>(i)});
  return result;
}
template <class Model>
std::vector<Reconstruction> reconstructed(Device& device, const std::vector<float>& pixels,
                                          const std::vector<Counter>& of, float head = 1) {
  auto parameters = untrained(Model::parameters(), 3);
  // The last layer of the head: its output is scaled by `head`.
  for (const PlacedTensor& t : Model::parameters())
    if (t.name.starts_with("decoder_pred.") &&
        (t.name.find("fc2") != std::string::npos || Model::Decoder::rules.joint))
      for (std::int64_t i = 0; i < t.tensor.size(); ++i) parameters[t.offset + i] *= head;
  PatchPredictor<Model, Device> model(device, static_cast<int>(of.size()));
  model.load(parameters);
  return reconstruct(model, pixels, of);
}

TEST_CASE("reconstruct: a note is broken into lines as wide as the pictures") {
  CHECK(lines_of("", 100).empty());
  const int width = label_width("as they are");
  CHECK(lines_of("shown as they are", width) == std::vector<std::string>{"shown as", "they are"});
  CHECK(lines_of("shown as they are", width + 1000).size() == 1);
  CHECK(lines_of("standardised so", 1) == std::vector<std::string>{"standardised", "so"});
}

TEST_CASE(
    "reconstruct: a prediction of zero shows the true patch's mean, and the target is the blurred "
    "picture") {
  Device device;
  const auto pixels = images(2);
  const auto result = reconstructed<Autoregressive>(device, pixels, counters(2), 0);
  REQUIRE(result.size() == 2);
  for (const Reconstruction& image : result) {
    CHECK(std::set<int>(image.ranks.begin(), image.ranks.end()).size() == 12);
    CHECK(image.original != image.target);
    for (int patch = 0; patch < 12; ++patch) {
      const int top = patch / 4 * 4, left = patch % 4 * 4;
      double mean = 0;
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < 4; ++y)
          for (int x = 0; x < 4; ++x)
            mean += static_cast<double>(image.target[(c * 12 + top + y) * 16 + left + x]) / 48;
      CHECK(image.predicted[top * 16 + left] == doctest::Approx(mean).epsilon(1e-4));
    }
  }
  CHECK(reconstruction_note<Autoregressive>().find("true patch") != std::string::npos);
  CHECK(reconstruction_note<Raw>().find("as they are") != std::string::npos);
  const auto raw = reconstructed<Raw>(device, pixels, counters(2), 0);
  CHECK(raw[0].predicted == std::vector<float>(raw[0].predicted.size(), 0.0f));
  CHECK(raw[0].target == raw[0].original);
}

TEST_CASE("reconstruct: the visible patches of an MAE stay as they are, and only they") {
  Device device;
  const auto pixels = images(3);
  for (const Reconstruction& image : reconstructed<Masked>(device, pixels, counters(3))) {
    int kept = 0;
    for (int patch = 0; patch < 12; ++patch) {
      const auto at = static_cast<std::size_t>(patch / 4 * 4 * 16 + patch % 4 * 4);
      const int rank = image.ranks[patch];
      CHECK((rank == 0 || rank == 1));
      kept += rank == 0;
      CHECK((image.predicted[at] == image.original[at]) == (rank == 0));
    }
    CHECK(kept == 3);
  }
}

TEST_CASE(
    "reconstruct: a picture has four labelled columns; maps have the order, similarity and "
    "attention") {
  Device device;
  const auto pixels = images(2);
  const auto of = counters(2);
  const Canvas canvas = reconstruction_picture<Masked>(reconstructed<Masked>(device, pixels, of),
                                                       Normalisation{});
  CHECK(canvas.width() > 4 * 16);
  CHECK(canvas.height() > 2 * 12);
  const auto maps = patch_maps<Ordered>(device, untrained(Ordered::parameters(), 3), pixels, of);
  REQUIRE(maps.size() == 2);
  CHECK(std::set<float>(maps[0].order.begin(), maps[0].order.end()).size() == 12);
  CHECK(maps[0].heads.size() == 3);
  float sum = 0;
  for (const float value : maps[0].attention) sum += value;
  CHECK(sum > 0);
  CHECK(sum < 1);  // the rest is what the class token reads of itself
  for (const float value : maps[1].similarity) CHECK(std::abs(value) <= 1.0f);
  // SemAIM: the first patch of the order is near the most similar one; without a filter it is that
  // one.
  using Unfiltered = SemAIM<Small, Parallel<2>, Semantic<NoFilter>>;
  const auto plain = patch_maps<Unfiltered>(device, untrained(Unfiltered::parameters(), 3), pixels,
                                            of);
  for (const PatchMaps& map : plain)
    CHECK(std::min_element(map.order.begin(), map.order.end()) - map.order.begin() ==
          std::max_element(map.similarity.begin(), map.similarity.end()) - map.similarity.begin());
  CHECK(maps_picture<Ordered>(pixels, maps, Normalisation{}, true).width() >
        maps_picture<Ordered>(pixels, maps, Normalisation{}, false).width());
  CHECK_THROWS_AS(patch_maps<Ordered>(device, untrained(Ordered::parameters(), 3),
                                      std::span(pixels).first(7), of),
                  ShapeError);
}

TEST_CASE("maps: an order from the model's own features needs no teacher, though the target does") {
  Device device;
  using Encoder = ViT<2, 24, 3, Patch<4>, Image<12, 16>>;
  using Own = SemAIM<Encoder, Parallel<2>>;
  using Taught = SemAIM<Encoder, Parallel<2>, Semantic<>, Target<Features<Encoder>>>;
  const auto pixels = images(2);
  const auto maps = patch_maps<Taught>(device, untrained(Taught::parameters(), 3), pixels,
                                       counters(2));
  const auto expected = patch_maps<Own>(device, untrained(Own::parameters(), 3), pixels,
                                        counters(2));  // the same encoder
  for (std::size_t i = 0; i < 2; ++i) CHECK(maps[i].order == expected[i].order);
}

TEST_CASE(
    "maps and reconstruction: of codes and with conditions there is the order, and a sentence for "
    "the rest") {
  Device device;
  const auto of = counters(2);
  const auto pixels = images(2);
  using OfCodes = GVP<ViT<2, 24, 3, Patch<4>, Image<12, 16>, Embedding<Codes<8>>>,
                      Grouped<Random<3>>, Target<Codes<8>>>;
  using Extra =
      GVP<ViT<2, 24, 3, Patch<4>, Image<12, 16>, Conditions<Labels<3>>>, Grouped<Random<3>>>;
  const auto look = [&]<class Model>() {
    const auto parameters = untrained(Model::parameters(), 3);
    const auto maps = patch_maps<Model>(device, parameters, pixels, of);
    CHECK(std::set<float>(maps[1].order.begin(), maps[1].order.end()) ==
          std::set<float>{0, 1, 2, 3});
    CHECK(maps[1].attention.empty());
    PatchPredictor<Model, Device> model(device, 2);
    model.load(parameters);
    model.order(pixels.data(), of);
    try {
      model.predict();
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(look.operator()<OfCodes>() ==
        "the model predicts features or codes of a teacher, who is not here; choose a model that "
        "predicts pixels.");
  CHECK(look.operator()<Extra>() ==
        "the model has conditions, and what makes them is not here; choose a model without.");
}

}  // namespace
}  // namespace arvit::test
