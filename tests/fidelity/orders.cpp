// SPDX-License-Identifier: BSL-1.0
// Every order against the ranks that the independent implementation computed from the same weights, images and noise.
#include "arvit/device/reference.hpp"
#include "support/fixture.hpp"

namespace arvit::test {
namespace {

using Small = ViT<4, 24, 3, Patch<4>, Image<20, 28>>;
using Square = ViT<4, 24, 3, Patch<4>, Image<56>>;

std::vector<int> ranks_of_keys(const float* key, int patches) {
  std::vector<int> ranks(patches);
  std::vector<std::int32_t> place(patches);
  Reference<double> device;
  device.argsort(Matrix<const float>(key, 1, patches), Matrix<std::int32_t>(place.data(), 1, patches));
  for (int t = 0; t < patches; ++t) ranks[place[t]] = t + 1;
  return ranks;
}
void check_ranks(const Safetensors& file, const std::vector<float>& keys, int patches) {
  const auto expected = file.values<std::int64_t>("ranks");
  REQUIRE(expected.size() == keys.size());
  for (std::size_t image = 0; image < keys.size() / patches; ++image) {
    const auto ranks = ranks_of_keys(keys.data() + image * patches, patches);
    int different = 0;
    for (int i = 0; i < patches; ++i) different += ranks[i] != expected[image * patches + i];
    CHECK(different == 0);
  }
}

/// Keys from features: the unmasked pass on hashed weights and images, with the fixture's noise.
template <class Encoder, class O>
void check_semantic(const std::string& name) {
  CAPTURE(name);
  using D = Reference<double>;
  using Model = SemAIM<Encoder, Parallel<1>, O>;
  constexpr int patches = Encoder::Grid::patches, images = 3;
  const Safetensors file = fixture(name);
  D device;
  ModelCase<Model, D> model(device, images);
  const auto parameters = model.reading();
  std::vector<std::byte> memory(std::size_t{1} << 27);
  Arena arena(memory.data(), static_cast<std::int64_t>(memory.size()));
  RankEngine<1> engine(Model::Decoder::rules, patches, images);
  std::vector<std::int32_t> identity;
  for (int image = 0; image < images; ++image) {
    engine.append_whole();
    for (int i = 0; i < patches; ++i) identity.push_back(i);
  }
  const auto span = [](const auto& list) { return Span(list.data(), static_cast<std::int64_t>(list.size())); };
  const auto& tables = engine.tables();
  const auto positions = sincos_positions<double>(Encoder::Grid::rows, Encoder::Grid::columns, Encoder::dim);
  Matrix<const double> qkv;
  const auto h = Encoder::infer(device, arena, parameters.encoder, model.batch(), Encoder::shape, PatchRows<HostSpace>{span(tables.source), span(identity)}, span(tables.class_rows),
                                Reach<HostSpace>{span(tables.content.segments), span(tables.content.limit)}, Rows<const double, Encoder::dim>(positions.data(), patches),
                                [&](int, const auto&, const auto& of_layer) { qkv = of_layer; });
  const auto moments = arena.rows<double, 2, HostSpace>(h.rows());
  const auto tokens = arena.rows<double, Encoder::dim, HostSpace>(h.rows());
  Encoder::Norm::forward(device, parameters.norm, h, tokens, moments);
  std::vector<float> noise(images * patches), keys(images * patches);
  if (file.find("noise") != nullptr) noise = file.values<float>("noise");
  O::keys(device, arena, OrderFeatures<double, HostSpace>{tokens, qkv, Encoder::heads, Encoder::Grid::rows, Encoder::Grid::columns, images, Matrix<const float>(noise.data(), images, patches)},
          Matrix<float>(keys.data(), images, patches));
  check_ranks(file, keys, patches);
}
template <class Encoder, class O>
std::vector<float> drawn_keys() {
  std::vector<float> keys(Encoder::Grid::patches);
  O::template keys<typename Encoder::Grid>(Counter{9, 0, 0}, keys);
  return keys;
}

}  // namespace

TEST_CASE("orders from features") {
  check_semantic<Small, Semantic<>>("order_semantic");
  check_semantic<Small, Semantic<ZeroPaddedFilter>>("order_semantic_zero_padding");
  check_semantic<Small, Semantic<MeanSimilarity>>("order_semantic_gap");
  check_semantic<Small, Semantic<SelfAttention>>("order_semantic_self");
  check_semantic<Square, Semantic<>>("order_semantic_14x14");
  check_semantic<Small, Semantic<NoFilter, Noise<std::ratio<1, 1000>>>>("order_attention_center");
  check_semantic<Small, Semantic<BySimilarity>>("order_similarity");
  check_semantic<Small, Semantic<BySimilarity, MeanSimilarity>>("order_similarity_gap");
  check_semantic<Small, Semantic<BySimilarity, SelfAttention>>("order_similarity_self");
  check_semantic<Square, Semantic<ByBoxes, NoFilter>>("order_attention_guided");
  check_semantic<Square, Semantic<ByBoxes, NoFilter, MeanSimilarity>>("order_attention_guided_gap");
  check_semantic<Square, Semantic<ByBoxes, NoFilter, SelfAttention>>("order_attention_guided_self");
}
TEST_CASE("fixed orders") {
  check_ranks(fixture("order_raster"), [] {
    std::vector<float> keys;
    for (int i = 0; i < 3; ++i) for (float key : drawn_keys<Small, Raster>()) keys.push_back(key);
    return keys;
  }(), Small::Grid::patches);
  check_ranks(fixture("order_serpentine"), [] {
    std::vector<float> keys;
    for (int i = 0; i < 3; ++i) for (float key : drawn_keys<Small, Serpentine>()) keys.push_back(key);
    return keys;
  }(), Small::Grid::patches);
}
TEST_CASE("rings and boxes: the integer part of a key is the number of boxes that hold the patch") {
  const auto depth = [](float key) { return static_cast<int>(-std::floor(key)); };
  const auto rings = fixture("order_center2out").values<double>("keys");
  const auto ours = drawn_keys<Square, CenterOut>();
  for (int i = 0; i < 196; ++i) CHECK(depth(ours[i]) == depth(static_cast<float>(rings[i])));
  const Safetensors boxes = fixture("order_stochastic_center");
  const auto keys = boxes.values<double>("keys"), centre = boxes.values<double>("centre");
  for (int image = 0; image < 3; ++image) {
    const detail::NestedBoxes vertical(static_cast<int>(centre[2 * image]), 14), horizontal(static_cast<int>(centre[2 * image + 1]), 14);
    for (int i = 0; i < 196; ++i) CHECK(detail::boxes_holding(vertical, horizontal, i / 14, i % 14) == depth(static_cast<float>(keys[image * 196 + i])));
  }
}

}  // namespace arvit::test
