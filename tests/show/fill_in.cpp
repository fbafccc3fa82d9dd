// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/fill_in.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "arvit/core/initialise.hpp"
#include "arvit/models.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

using Small = ViT<2, 24, 3, Patch<4>, Image<12, 16>>;
using Raw = Target<Pixel, RawPatches>;
using P2P = GVP<Small, Grouped<Mixed<5>>>;
using P2D = GVP<Small, Grouped<Mixed<5>>, Target<Codes<8>>>;
using OfCodes = ViT<2, 24, 3, Patch<4>, Image<12, 16>, Embedding<Codes<8>>>;
using D2D = GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<8>>>;
constexpr int patches = 12, image_width = Small::Grid::image_width;

std::vector<float> images(int count) {
  const auto values = hashed_images(static_cast<std::size_t>(count * image_width));
  return {values.begin(), values.end()};
}
std::vector<Counter> counters(int count) {
  std::vector<Counter> result;
  for (int i = 0; i < count; ++i) result.push_back({1, 0, static_cast<std::uint32_t>(i)});
  return result;
}
std::vector<int> masks(int count, int groups, double ratio = 0.75) {
  std::vector<int> all;
  for (const Counter& of : counters(count))
    for (const int rank : masked_ranks(patches, ratio, groups, of)) all.push_back(rank);
  return all;
}
template <class Model> std::vector<float> parameters() {
  auto values = untrained(Model::parameters(), 3);
  for (const PlacedTensor& t : Model::parameters())  // words of a trained size, so that they matter
    if (t.name == "token_embed.weight")
      for (std::int64_t i = 0; i < t.tensor.size(); ++i) values[t.offset + i] *= 50;
  return values;
}
Codebook codebook(int codes) {
  Codebook book{4, std::vector<float>(codes * 48), "", 0, 0};
  for (std::size_t i = 0; i < book.centroids.size(); ++i)
    book.centroids[i] = static_cast<float>(hashed("codebook", i));
  return book;
}
/// The pixels of a patch, (row, column, channel).
std::vector<float> patch_of(const float* image, int patch) {
  std::vector<float> values;
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      for (int c = 0; c < 3; ++c)
        values.push_back(image[(c * 12 + patch / 4 * 4 + y) * 16 + patch % 4 * 4 + x]);
  return values;
}

template <class Model>
std::vector<float> filled(const std::vector<float>& pixels, const std::vector<int>& ranks,
                          const FillOptions& options = {}) {
  Reference<float> device;
  return fill_in<Model>(device, parameters<Model>(), pixels, ranks,
                        counters(static_cast<int>(pixels.size()) / image_width), options);
}
template <class Model> void check_given_stay(const FillOptions& options = {}) {
  const auto pixels = images(3);
  const auto ranks = masks(3, 4);
  const auto result = filled<Model>(pixels, ranks, options);
  for (int i = 0; i < 3; ++i)
    for (int patch = 0; patch < patches; ++patch)
      CHECK((patch_of(pixels.data() + i * image_width, patch) ==
             patch_of(result.data() + i * image_width, patch)) ==
            (ranks[i * patches + patch] == 0));
  FillOptions one = options;
  one.batch = 1;
  CHECK(filled<Model>(pixels, ranks, one) == result);
}

TEST_CASE(
    "fill_in: masks of one picture share their given part, and their groups are equally large") {
  for (const int groups : {1, 3, 9, 20}) {
    const auto ranks = masked_ranks(patches, 0.75, groups, Counter{4});
    CHECK(std::count(ranks.begin(), ranks.end(), 0) == 3);
    std::vector<int> sizes;
    for (int group = 1; group <= std::min(groups, 9); ++group)
      sizes.push_back(static_cast<int>(std::count(ranks.begin(), ranks.end(), group)));
    CHECK(*std::max_element(sizes.begin(), sizes.end()) -
              *std::min_element(sizes.begin(), sizes.end()) <=
          1);
    CHECK(*std::min_element(sizes.begin(), sizes.end()) > 0);
    for (std::size_t i = 0; i < patches; ++i)
      CHECK((ranks[i] == 0) == (masked_ranks(patches, 0.75, 1, Counter{4})[i] == 0));
  }
  CHECK(masked_ranks(patches, 0.75, 3, Counter{4}) != masked_ranks(patches, 0.75, 3, Counter{5}));
  const auto paper = masked_ranks(196, 0.75, 20, Counter{}),
             whole = masked_ranks(patches, 1, 1, Counter{});
  CHECK(std::count(paper.begin(), paper.end(), 0) == 49);
  CHECK(whole == std::vector<int>(patches, 1));
  CHECK_THROWS_AS(masked_ranks(patches, 0, 1, Counter{}), OptionError);
  CHECK_THROWS_AS(masked_ranks(patches, 1.5, 1, Counter{}), OptionError);
  CHECK_THROWS_AS(masked_ranks(patches, 0.5, 0, Counter{}), OptionError);
}

TEST_CASE("fill_in: a completion has its upper rows given") {
  const auto half = completion_ranks(3, 4, 0.7, 4, Counter{4});
  for (std::size_t i = 0; i < patches; ++i) CHECK((half[i] == 0) == (i < 8));
  CHECK(std::set<int>(half.begin(), half.end()).size() == 5);
  const auto none = completion_ranks(3, 4, 0, 1, Counter{4});
  CHECK(none == std::vector<int>(patches, 1));
  CHECK_THROWS_AS(completion_ranks(3, 4, 1, 1, Counter{}), OptionError);
  CHECK_THROWS_AS(completion_ranks(3, 4, -0.1, 1, Counter{}), OptionError);
}

TEST_CASE("fill_in: what is given stays, all else is predicted, and the batch does not matter") {
  const Codebook book = codebook(8);
  check_given_stay<P2P>();
  check_given_stay<GVP<Small, Grouped<Mixed<5>>, Target<Pixel>>>();
  check_given_stay<P2D>({.codebook = &book});
  check_given_stay<D2D>({.codebook = &book});
  check_given_stay<SAIM<Small, Parallel<2>>>();
  check_given_stay<CausalViT<Small>>();
  check_given_stay<CausalViT<Small, Target<Codes<8>>>>({.codebook = &book});
  check_given_stay<iGPT<OfCodes, Codes<8>>>({.codebook = &book});
  check_given_stay<MAE<Small, Joint<2, 16, 2>>>();
  check_given_stay<SimMIM<Small>>();
}

TEST_CASE("fill_in: predictions of a group are content of the next") {
  // One group sees the given part alone. Of several the first is predicted as that one is, the
  // others are not.
  const auto pixels = images(1);
  const auto ranks = masks(1, 3);
  std::vector<int> once = ranks;
  for (int& rank : once) rank = std::min(rank, 1);
  const auto by_groups = filled<P2P>(pixels, ranks), at_once = filled<P2P>(pixels, once);
  for (int patch = 0; patch < patches; ++patch) {
    const auto a = patch_of(by_groups.data(), patch), b = patch_of(at_once.data(), patch);
    float difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      difference = std::max(difference, std::abs(a[i] - b[i]));
    if (ranks[patch] < 2)
      CHECK(difference < 1e-6);
    else
      CHECK(difference > 1e-4);
  }
  // What was in the place of a patch before does not matter: raw predictions follow from the given
  // part.
  auto other = pixels;
  for (int patch = 0; patch < patches; ++patch)
    if (ranks[patch] > 0)
      detail::put_patch<Small::Grid>(std::vector<float>(48, 0.7f).data(), patch, other.data());
  CHECK(filled<P2P>(other, ranks) == by_groups);
}

TEST_CASE("fill_in: a Causal decoder goes through its own order, behind the given beginning") {
  using Model = CausalViT<Small, Raw>;
  CHECK(detail::ranks_one_by_one<Model>(std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}, {}) ==
        std::vector<int>{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(detail::ranks_one_by_one<Model>(std::vector<int>{0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0}, {}) ==
        std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(detail::ranks_one_by_one<Model>(std::vector<int>(12, 0), {}) == std::vector<int>(12, 0));
  using Winding = CausalViT<Small, Raw, Serpentine>;
  CHECK(
      detail::ranks_one_by_one<Winding>(std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}, {}) ==
      std::vector<int>{0, 0, 0, 0, 4, 3, 2, 1, 5, 6, 7, 8});
  // 7 before 6, as the model goes.
  CHECK(
      detail::ranks_one_by_one<Winding>(std::vector<int>{0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1}, {}) ==
      std::vector<int>{0, 0, 0, 0, 3, 2, 1, 0, 4, 5, 6, 7});
  // Later patches, though given, are not read.
  const auto pixels = images(1);
  auto other = pixels;
  detail::put_patch<Small::Grid>(std::vector<float>(48, 0.7f).data(), 11, other.data());
  std::vector<int> ranks(patches, 1);
  ranks[0] = ranks[11] = 0;
  const auto a = filled<Model>(pixels, ranks), b = filled<Model>(other, ranks);
  for (int patch = 0; patch < 11; ++patch)
    CHECK(patch_of(a.data(), patch) == patch_of(b.data(), patch));
}

TEST_CASE(
    "fill_in: pictures that are given whole stay, beside others, and wrong calls are refused") {
  const Codebook book = codebook(8);
  const auto pixels = images(3);
  auto ranks = masks(3, 4);
  std::fill_n(ranks.begin() + patches, patches, 0);
  const auto check = [&]<class Model>() {
    auto others = pixels;
    others.erase(others.begin() + image_width, others.begin() + 2 * image_width);
    auto other_ranks = ranks;
    other_ranks.erase(other_ranks.begin() + patches, other_ranks.begin() + 2 * patches);
    Reference<float> device;
    const std::vector<Counter> of{{1, 0, 0}, {1, 0, 2}};
    const FillOptions options{.codebook = &book};
    auto expected = fill_in<Model>(device, parameters<Model>(), others, other_ranks, of, options);
    expected.insert(expected.begin() + image_width, pixels.begin() + image_width,
                    pixels.begin() + 2 * image_width);
    CHECK(filled<Model>(pixels, ranks, options) == expected);
    CHECK(filled<Model>(pixels, std::vector<int>(3 * patches, 0), options) == pixels);
    CHECK(fill_in<Model>(device, parameters<Model>(), {}, {}, {}, options).empty());
    CHECK_THROWS_AS(filled<Model>(pixels, ranks, {.codebook = &book, .batch = 0}), OptionError);
  };
  check.operator()<CausalViT<Small>>();
  check.operator()<P2P>();
  check.operator()<D2D>();
  check.operator()<MAE<Small, Joint<2, 16, 2>>>();
}

TEST_CASE("fill_in: predicted codes become the codebook's pixels, drawn by the picture's counter") {
  const Codebook book = codebook(8);
  const Normalisation colours{{0.5f, 0.25f, 0.75f}, {0.5f, 0.25f, 2}};
  const auto pixels = images(2);
  const auto ranks = masks(2, 4, 1);
  const auto drawn = filled<P2D>(pixels, ranks, {.normalisation = colours, .codebook = &book});
  std::set<int> codes;
  for (int at = 0; at < 2 * patches; ++at) {
    const auto patch = patch_of(drawn.data() + at / patches * image_width, at % patches);
    int found = -1;
    for (int code = 0; code < 8; ++code) {
      float difference = 0;
      for (std::size_t i = 0; i < 48; ++i)
        difference = std::max(difference,
                              std::abs(patch[i] * colours.deviation[i % 3] + colours.mean[i % 3] -
                                       book.centroids[static_cast<std::size_t>(code) * 48 + i]));
      if (difference < 1e-6f) found = code;
    }
    CHECK(found >= 0);
    codes.insert(found);
  }
  CHECK(codes.size() > 3);
  CHECK(
      filled<P2D>(pixels, ranks,
                  {.normalisation = colours, .codebook = &book, .sampling = {.temperature = 0}}) !=
      drawn);
  CHECK(
      filled<P2D>(pixels, ranks,
                  {.normalisation = colours, .codebook = &book, .sampling = {.temperature = 0}}) ==
      filled<P2D>(pixels, ranks,
                  {.normalisation = colours, .codebook = &book, .sampling = {.top_k = 1}}));
  CHECK_THROWS_AS(filled<P2D>(pixels, ranks), OptionError);
  const Codebook other = codebook(9);
  CHECK_THROWS_AS(filled<P2D>(pixels, ranks, {.codebook = &other}), OptionError);
  CHECK_THROWS_AS(filled<P2D>(pixels, ranks, {.codebook = &book, .sampling = {.temperature = -1}}),
                  OptionError);
}

TEST_CASE("fill_in: a model that reads codes reads those of what is given") {
  const Codebook book = codebook(8);
  const auto ranks = masks(1, 9);
  auto pixels = images(1), near = pixels, other = pixels;
  for (int patch = 0; patch < patches; ++patch) {
    auto values = detail::patch_of_code<Small::Grid>(book, patch % 8, {});
    detail::put_patch<Small::Grid>(values.data(), patch, pixels.data());
    for (float& value : values) value += 1e-4f;
    detail::put_patch<Small::Grid>(values.data(), patch, near.data());
    detail::put_patch<Small::Grid>(
        detail::patch_of_code<Small::Grid>(book, (patch + 3) % 8, {}).data(), patch, other.data());
  }
  const auto drawn = filled<D2D>(pixels, ranks, {.codebook = &book}),
             of_near = filled<D2D>(near, ranks, {.codebook = &book}),
             of_other = filled<D2D>(other, ranks, {.codebook = &book});
  int differences = 0;
  for (int patch = 0; patch < patches; ++patch) {
    if (ranks[patch] == 0) continue;
    // The same codes, the same draws.
    CHECK(patch_of(drawn.data(), patch) == patch_of(of_near.data(), patch));
    differences += patch_of(drawn.data(), patch) != patch_of(of_other.data(), patch);
  }
  CHECK(differences > 0);
}

TEST_CASE("fill_in: an MAE fills in any share, from what is given alone") {
  using Model = MAE<Small, Joint<2, 16, 2>, Raw>;
  const auto pixels = images(2);
  for (const double ratio : {0.2, 0.75, 0.9}) {
    const auto ranks = masks(2, 5, ratio);
    auto other = pixels;
    for (int at = 0; at < 2 * patches; ++at)
      if (ranks[at] > 0)
        detail::put_patch<Small::Grid>(std::vector<float>(48, 0.7f).data(), at % patches,
                                       other.data() + at / patches * image_width);
    CHECK(filled<Model>(pixels, ranks) == filled<Model>(other, ranks));
  }
  CHECK_THROWS_AS(filled<Model>(images(1), masks(2, 1)), ShapeError);
}

}  // namespace
}  // namespace arvit::test
