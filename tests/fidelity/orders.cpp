// SPDX-License-Identifier: BSL-1.0
// Every order against the ranks that the independent implementation computed from the same weights,
// images and noise.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/order/cluster.hpp"
#include "arvit/order/grouped.hpp"
#include "arvit/order/segments.hpp"
#include "support/drawn_order.hpp"
#include "support/fixture.hpp"

namespace arvit::test {
namespace {

using Small = ViT<4, 24, 3, Patch<4>, Image<20, 28>>;
using Square = ViT<4, 24, 3, Patch<4>, Image<56>>;

std::vector<int> ranks_of_keys(const float* key, int patches) {
  std::vector<int> ranks(patches);
  std::vector<std::int32_t> place(patches);
  Reference<double> device;
  device.run(ops::Argsort<Reference<double>>{.keys = {key, 1, patches},
                                             .order = {place.data(), 1, patches}});
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
template <class Encoder, class O> void check_semantic(const std::string& name) {
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
  const auto span = [](const auto& list) {
    return Span(list.data(), static_cast<std::int64_t>(list.size()));
  };
  const auto& tables = engine.tables();
  const auto positions = sincos_positions<double>(Encoder::Grid::rows, Encoder::Grid::columns,
                                                  Encoder::dim);
  Matrix<const double> qkv;
  const Context<D> c{device, arena};
  const auto h = Encoder::infer(
      c, parameters.encoder,
      {{model.batch, Encoder::shape, {span(tables.source), span(identity)}},
       span(tables.class_rows),
       {.table = {positions.data(), patches, Encoder::dim}},
       {span(tables.content.segments), span(tables.content.limit), tables.content.extents},
       true},
      [&](int, const auto&, const auto& of_layer) { qkv = of_layer; });
  const auto moments = take_statistics<2>(c, h.rows());
  const auto tokens = take_tokens<Encoder::dim>(c, h.rows());
  Encoder::Norm::forward(c, parameters.norm, h, tokens, moments);
  std::vector<float> noise(images * patches), keys(images * patches);
  if (file.find("noise") != nullptr) noise = file.values<float>("noise");
  O::keys(device, arena,
          OrderFeatures<double, HostSpace>{tokens, qkv, Encoder::heads, Encoder::Grid::rows,
                                           Encoder::Grid::columns, images,
                                           Matrix<const float>(noise.data(), images, patches)},
          Matrix<float>(keys.data(), images, patches));
  check_ranks(file, keys, patches);
}
/// The places of what `sampled` lists in order: place[sampled[t]] = t.
template <std::size_t Count>
std::array<int, Count> places_of(std::span<const std::int64_t> sampled) {
  REQUIRE(sampled.size() == Count);
  std::array<int, Count> place{};
  for (std::size_t t = 0; t < Count; ++t)
    place[static_cast<std::size_t>(sampled[t])] = static_cast<int>(t);
  return place;
}
template <class Grid, int Rows, int Columns> void check_clusters(const std::string& name) {
  CAPTURE(name);
  using O = Cluster<Rows, Columns>;
  const Safetensors file = fixture("order_clusters");
  std::vector<float> keys(Grid::patches);
  O::template keys_of_places<Grid>(
      places_of<O::clusters>(file.values<std::int64_t>(name + ".sampled")), keys);
  CHECK(ranks_of(drawn_ends<O, Grid>({}), keys) == file.values<int>(name + ".ranks"));
}
template <class Grid, int Outer, int Inner> void check_segments(const std::string& name) {
  CAPTURE(name);
  using O = Segments<Outer, Inner>;
  const Safetensors file = fixture("order_segments");
  const auto sampled = file.values<std::int64_t>(name + ".sampled"),
             inside = file.values<std::int64_t>(name + ".sampled_inside");
  std::array<std::array<int, O::inside>, O::template squares<Grid>> inner;
  for (std::size_t square = 0; square < inner.size(); ++square)
    inner[square] = places_of<O::inside>(std::span(inside).subspan(square * O::inside, O::inside));
  std::vector<float> keys(Grid::patches);
  O::template keys_of_places<Grid>(places_of<O::template squares<Grid>>(sampled), inner, keys);
  CHECK(ranks_of(drawn_ends<O, Grid>({}), keys) == file.values<int>(name + ".ranks"));
}

/// Draws that a fixture gives.
struct GivenDraws {
  double given_normal;
  const double* uniform;
  double normal() const { return given_normal; }
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(*uniform++ * bound);
  }
};
template <template <int> class Kind, int K> void check_groups(const std::string& kind) {
  const std::string name = kind + "." + std::to_string(K);
  CAPTURE(name);
  const Safetensors file = fixture("order_groups");
  const auto normals = file.values<double>("normals"), uniforms = file.values<double>("uniforms");
  const auto expected = file.values<std::int64_t>(name);
  const std::size_t images = expected.size() / (K + 1);
  REQUIRE(images == (kind == "fixed" ? 1 : normals.size()));
  for (std::size_t image = 0; image < images; ++image) {
    GivenDraws draws{normals[image], uniforms.data() + image * 195};
    std::vector<int> ends(K);
    Kind<K>::boundaries(196, draws, ends);
    ends.push_back(196);
    CHECK(std::equal(ends.begin(), ends.end(),
                     expected.begin() + static_cast<std::ptrdiff_t>(image * (K + 1))));
  }
}

}  // namespace

TEST_CASE("orders from features") {
  check_semantic<Small, Semantic<>>("order_semantic");
  check_semantic<Small, Semantic<ZeroPaddedFilter>>("order_semantic_zero_padding");
  check_semantic<Small, Semantic<MeanSimilarity>>("order_semantic_gap");
  check_semantic<Small, Semantic<SelfAttention>>("order_semantic_self");
  check_semantic<Square, Semantic<>>("order_semantic_14x14");
  check_semantic<Small, Semantic<Centers<1>>>("order_semantic");
  check_semantic<Small, Semantic<Centers<2>>>("order_semantic_centers2");
  check_semantic<Small, Semantic<Centers<3>>>("order_semantic_centers3");
  check_semantic<Small, Semantic<Centers<4>>>("order_semantic_centers4");
  check_semantic<Small, Semantic<NoFilter, Noise<std::ratio<1, 1000>>>>("order_attention_center");
  check_semantic<Small, Semantic<BySimilarity>>("order_similarity");
  check_semantic<Small, Semantic<BySimilarity, MeanSimilarity>>("order_similarity_gap");
  check_semantic<Small, Semantic<BySimilarity, SelfAttention>>("order_similarity_self");
  check_semantic<Square, Semantic<ByBoxes, NoFilter>>("order_attention_guided");
  check_semantic<Square, Semantic<ByBoxes, NoFilter, MeanSimilarity>>("order_attention_guided_gap");
  check_semantic<Square, Semantic<ByBoxes, NoFilter, SelfAttention>>("order_attention_guided_self");
}
TEST_CASE("an order from the features of a teacher") {
  const Safetensors file = fixture("semaim_features");
  constexpr int images = 3, rows = 3, columns = 4, width = 12;
  Reference<double> device;
  std::vector<std::byte> memory(1 << 16);
  Arena arena(memory.data(), static_cast<std::int64_t>(memory.size()));
  const std::vector<double> given = hashed_images(images * (rows * columns + 1) * width,
                                                  "features");
  const std::vector<float> noise = file.values<float>("noise");
  std::vector<float> keys(images * rows * columns);
  Semantic<FromTeacher>::keys(
      device, arena,
      OrderFeatures<double, HostSpace>{
          Matrix<const double>(given.data(), images * (rows * columns + 1), width),
          {},
          0,
          rows,
          columns,
          images,
          Matrix<const float>(noise.data(), images, rows * columns)},
      Matrix<float>(keys.data(), images, rows * columns));
  check_ranks(file, keys, rows * columns);
}
TEST_CASE("fixed orders") {
  check_ranks(
      fixture("order_raster"),
      [] {
        std::vector<float> keys;
        for (int i = 0; i < 3; ++i)
          for (float key : drawn_keys<Raster, Small::Grid>({})) keys.push_back(key);
        return keys;
      }(),
      Small::Grid::patches);
  check_ranks(
      fixture("order_serpentine"),
      [] {
        std::vector<float> keys;
        for (int i = 0; i < 3; ++i)
          for (float key : drawn_keys<Serpentine, Small::Grid>({})) keys.push_back(key);
        return keys;
      }(),
      Small::Grid::patches);
}
TEST_CASE("clusters and segments from given permutations") {
  using Grid = ImageGrid<224, 224, 16>;
  check_clusters<Grid, 1, 1>("14x14.1x1");
  check_clusters<Grid, 1, 2>("14x14.1x2");
  check_clusters<Grid, 2, 2>("14x14.2x2");
  check_clusters<Grid, 2, 7>("14x14.2x7");
  check_clusters<Grid, 7, 7>("14x14.7x7");
  check_clusters<Grid, 14, 14>("14x14.14x14");
  check_clusters<ImageGrid<16, 24, 4>, 2, 3>("4x6.2x3");
  check_segments<Grid, 2, 2>("14x14.2.2");
  check_segments<Grid, 7, 1>("14x14.7.1");
  check_segments<ImageGrid<32, 48, 4>, 4, 2>("8x12.4.2");
}
TEST_CASE("groups from given draws") {
  check_groups<Fixed, 1>("fixed"), check_groups<Fixed, 5>("fixed"),
      check_groups<Fixed, 20>("fixed"), check_groups<Fixed, 40>("fixed"),
      check_groups<Fixed, 196>("fixed");
  check_groups<Random, 1>("random"), check_groups<Random, 5>("random"),
      check_groups<Random, 20>("random"), check_groups<Random, 195>("random");
  check_groups<Mixed, 1>("mixed"), check_groups<Mixed, 5>("mixed"),
      check_groups<Mixed, 20>("mixed"), check_groups<Mixed, 195>("mixed");
}
TEST_CASE("rings and boxes: the integer part of a key is the number of boxes that hold the patch") {
  const auto depth = [](float key) { return static_cast<int>(-std::floor(key)); };
  const auto rings = fixture("order_center2out").values<double>("keys");
  const auto ours = drawn_keys<CenterOut, Square::Grid>({.seed = 9});
  for (int i = 0; i < 196; ++i) CHECK(depth(ours[i]) == depth(static_cast<float>(rings[i])));
  const Safetensors boxes = fixture("order_stochastic_center");
  const auto keys = boxes.values<double>("keys"), centre = boxes.values<double>("centre");
  for (int image = 0; image < 3; ++image) {
    const detail::NestedBoxes vertical(static_cast<int>(centre[2 * image]), 14),
        horizontal(static_cast<int>(centre[2 * image + 1]), 14);
    for (int i = 0; i < 196; ++i)
      CHECK(detail::boxes_holding(vertical, horizontal, i / 14, i % 14) ==
            depth(static_cast<float>(keys[image * 196 + i])));
  }
}

}  // namespace arvit::test
