// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/mask.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/grid.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/order/cluster.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

Safetensors fixture(const std::string& name) {
  return Safetensors(std::string(ARVIT_TEST_FIXTURES) + "/mask_" + name + ".safetensors");
}

/// A stored mask [rows, columns] of 0 and 1 in the words of mask_text.
std::string stored_text(const Safetensors& file, const std::string& name) {
  const auto& shape = file.at(name).shape;
  const auto bits = file.values<std::uint8_t>(name);
  std::string result;
  for (std::int64_t r = 0; r < shape[0]; ++r) {
    for (std::int64_t c = 0; c < shape[1]; ++c) result += bits[r * shape[1] + c] != 0 ? '0' : '-';
    result += '\n';
  }
  return result;
}
std::vector<int> stored_ranks(const Safetensors& file, const std::string& name = "ranks") {
  return file.values<int>(name);
}

TEST_CASE("mask: GVP's worked matrices, word for word") {
  const auto of = [](std::vector<int> ranks) {
    const RankMasks masks = masks_of_ranks(ranks);
    const auto tokens = reading_order(static_cast<int>(ranks.size()), false);
    return mask_text(masks.content, tokens) + "\n" + mask_text(masks.query, tokens);
  };
  CHECK(of({0, 0, 1, 2, 3, 4, 5}) ==
        "00-----\n00-----\n000----\n0000---\n00000--\n000000-\n0000000\n\n00-----\n00-----\n00-----"
        "\n000----\n0000---\n00000--\n000000-\n");
  CHECK(of({0, 0, 0, 1, 2, 3, 4}) ==
        "000----\n000----\n000----\n0000---\n00000--\n000000-\n0000000\n\n000----\n000----\n000----"
        "\n000----\n0000---\n00000--\n000000-\n");
  CHECK(of({0, 0, 0, 1, 1, 2, 2}) ==
        "000----\n000----\n000----\n00000--\n00000--\n0000000\n0000000\n\n000----\n000----\n000----"
        "\n000----\n000----\n00000--\n00000--\n");
  CHECK(of({0, 0, 2, 0, 1, 1, 2}) ==
        "00-0---\n00-0---\n0000000\n00-0---\n00-000-\n00-000-\n0000000\n\n00-0---\n00-0---\n00-000-"
        "\n00-0---\n00-0---\n00-0---\n00-000-\n");
}

TEST_CASE("mask: the fixtures of GVP, SAIM and iGPT from ranks") {
  for (const char* name : {"gvp14", "gvp16", "gvp17", "gvp19", "igpt", "saim"}) {
    CAPTURE(name);
    const Safetensors file = fixture(name);
    const std::vector<int> ranks = stored_ranks(file);
    const RankMasks masks = masks_of_ranks(ranks);
    const auto tokens = reading_order(static_cast<int>(ranks.size()), false);
    CHECK(mask_text(masks.content, tokens) == stored_text(file, "content"));
    if (file.find("query") == nullptr) continue;
    const std::string all = mask_text(masks.query, tokens), stored = stored_text(file, "query");
    // SAIM's has no row for the class token, which comes first.
    CHECK(all.substr(all.size() - stored.size()) == stored);
  }
}

TEST_CASE("mask: SAIM's own rules give the class token first and leave out what nobody reads") {
  const Safetensors file = fixture("saim");
  std::vector<int> ranks = stored_ranks(file), ends;
  std::vector<std::int32_t> permutation;
  ranks.erase(ranks.begin());  // the class token
  profile_of_ranks(ranks, ends, permutation);
  const ImageMasks masks = image_masks(RankRules<1>{ClassToken::first, {QueryStream{}}}, ends,
                                       permutation);
  const auto tokens = reading_order(6, true);
  std::string content = stored_text(file, "content");
  content.replace(content.find("0000000\n"), 7, "       ");  // the patch of the highest rank
  CHECK(mask_text(masks.content, tokens) == content);
  CHECK(mask_text(masks.streams[0].content, tokens) == "       \n" + stored_text(file, "query"));
  CHECK(masks.streams[0].queries.empty());
  CHECK(masks.joint.empty());
}

TEST_CASE("mask: D-iGPT's encoder and both decoders, in sorted order with the class token last") {
  const Safetensors file = fixture("digpt");
  // Ranks of all four clusters: the encoder's, and the last from the generative queries.
  std::vector<int> ranks(24);
  for (const char* part : {"encoder", "gen"}) {
    const auto patch = file.values<int>(std::string("patch.") + part),
               rank = file.values<int>(std::string("ranks.") + part);
    for (std::size_t i = 0; i < patch.size(); ++i)
      if (patch[i] >= 0) ranks[patch[i]] = rank[i];
  }
  std::vector<int> ends;
  std::vector<std::int32_t> permutation;
  profile_of_ranks(ranks, ends, permutation);
  // They are those of D-iGPT's order on this grid, with the fixture's clusters 2, 0, 3, 1 in this
  // order.
  using Grid = ImageGrid<4, 6, 1>;
  std::vector<float> keys(24);
  Cluster<2, 2>::keys_of_places<Grid>({1, 3, 0, 2}, keys);
  CHECK(drawn_ends<Cluster<2, 2>, Grid>({}) == ends);
  CHECK(sorted_patches(keys) == permutation);
  const RankRules<2> rules{ClassToken::last,
                           {QueryStream{Sees::before, Sees::up_to, 1, 0, true},
                            QueryStream{Sees::up_to, Sees::up_to, 0, 1, true}}};
  const ImageMasks masks = image_masks(rules, ends, permutation);
  const auto text_of = [](const Mask& mask, const std::vector<int>& readers,
                          const std::vector<int>& tokens) {
    std::string result;
    for (const int reader : readers)
      for (const MaskRow& row : mask)
        if (row.reader == reader) {
          for (const int token : tokens)
            result += std::find(row.reads.begin(), row.reads.end(), token) != row.reads.end() ? '0'
                                                                                              : '-';
          result += '\n';
        }
    return result;
  };
  const auto content = file.values<int>("patch.encoder"), gen = file.values<int>("patch.gen"),
             dis = file.values<int>("patch.dis");
  CHECK(text_of(masks.content, content, content) == stored_text(file, "content"));
  CHECK(text_of(masks.streams[0].content, gen, content) == stored_text(file, "gen.cross"));
  CHECK(text_of(masks.streams[0].queries, gen, gen) == stored_text(file, "gen.queries"));
  CHECK(text_of(masks.streams[1].content, dis, content) == stored_text(file, "dis.cross"));
  CHECK(text_of(masks.streams[1].queries, dis, dis) == stored_text(file, "dis.queries"));
}

TEST_CASE("mask: MAE computes visible content only, and its decoder reads all") {
  const Safetensors file = fixture("mae");
  std::vector<int> ranks = stored_ranks(file), ends;
  std::vector<std::int32_t> permutation;
  profile_of_ranks(std::vector<int>(ranks.begin() + 1, ranks.end()), ends, permutation);
  RankRules<1> rules{ClassToken::first, {QueryStream{.content = Sees::before}}, true};
  const ImageMasks masks = image_masks(rules, ends, permutation);
  const auto tokens = reading_order(7, true);
  std::string content = mask_text(masks.content, tokens);
  std::replace(content.begin(), content.end(), ' ', '-');
  CHECK(content == stored_text(file, "content"));
  CHECK(mask_text(masks.joint, tokens) == stored_text(file, "joint"));
  for (const std::vector<int>& wrong : {std::vector{7}, std::vector{0, 3, 7}})
    CHECK_THROWS_AS(image_masks(rules, wrong, permutation), ShapeError);
  rules.class_token = ClassToken::last;
  CHECK_THROWS_AS(image_masks(rules, ends, permutation), ShapeError);
}

TEST_CASE("mask: content that nobody reads is left out, or stands behind the rest") {
  const std::vector<int> ends{1, 3, 4, 6};
  const std::vector<std::int32_t> permutation{3, 0, 4, 1, 5, 2};
  for (const ClassToken class_token : {ClassToken::none, ClassToken::first, ClassToken::last})
    for (const int dropped : {0, 1, 2}) {  // the queries read content of ranks 0 .. 2 - dropped
      RankRules<1> rules{class_token, {QueryStream{.drop_last = dropped}}};
      const int class_rows = class_token != ClassToken::none, live = ends[2 - dropped];
      const ImageMasks masks = image_masks(rules, ends, permutation);
      CHECK(static_cast<int>(masks.content.size()) == live + class_rows);
      CHECK(count_rows(rules, ends).content == live + class_rows);
      rules.keep_dead = true;
      const ImageMasks all = image_masks(rules, ends, permutation);
      CHECK(count_rows(rules, ends).content == 6 + class_rows);
      CHECK(count_rows(rules, ends).queries[0] ==
            static_cast<std::int64_t>(masks.streams[0].content.size()));
      const auto same = [](const MaskRow& a, const MaskRow& b) {
        return a.reader == b.reader && a.reads == b.reads;
      };
      CHECK(std::equal(masks.content.begin(), masks.content.end(), all.content.begin(), same));
      CHECK(std::equal(masks.streams[0].content.begin(), masks.streams[0].content.end(),
                       all.streams[0].content.begin(), all.streams[0].content.end(), same));
      REQUIRE(static_cast<int>(all.content.size()) == 6 + class_rows);
      for (std::size_t i = masks.content.size(); i < all.content.size();
           ++i)  // a dead row of rank r reads all up to r, the class token with them
        CHECK(static_cast<int>(all.content[i].reads.size()) ==
              class_rows +
                  *std::upper_bound(ends.begin(), ends.end(), static_cast<int>(i) - class_rows));
    }
}

TEST_CASE(
    "mask: with whole content every token reads every token, and queries know their content rows") {
  for (const auto& [class_token, sees] :
       std::vector<std::pair<ClassToken, Sees>>{{ClassToken::none, Sees::before},
                                                {ClassToken::first, Sees::up_to},
                                                {ClassToken::last, Sees::before},
                                                {ClassToken::first, Sees::nothing}}) {
    const bool has_class = class_token != ClassToken::none;
    const RankRules<1> rules{
        class_token, {QueryStream{.content = sees, .class_query = has_class}}, false, true};
    RankEngine<1> engine(rules, 6, 2);
    for (const std::vector<int>& ends : {std::vector{2, 6}, std::vector{0, 6}}) {
      const auto& stream = engine.tables().streams[0];
      const std::size_t queries = stream.source.size(), content = engine.tables().source.size();
      engine.append(ends);
      CHECK(engine.tables().source.size() - content == std::size_t(6 + has_class));
      CHECK(stream.source.size() - queries == std::size_t(6 - ends[0] + has_class));
      CHECK(count_rows(rules, ends).content == 6 + has_class);
    }
    const auto& tables = engine.tables();
    CHECK(tables.streams[0].content_row.size() == tables.streams[0].source.size());
    for (std::size_t i = 0; i < tables.streams[0].source.size(); ++i)
      CHECK(tables.source[tables.streams[0].content_row[i]] == tables.streams[0].source[i]);
    const std::vector<std::int32_t> permutation{3, 0, 4, 1, 5, 2};
    const std::string row(6 + has_class, '0');
    std::string all;
    for (int reader = 0; reader < 6 + has_class; ++reader) all += row + "\n";
    const ImageMasks masks = image_masks(rules, std::vector{2, 6}, permutation);
    CHECK(mask_text(masks.content, reading_order(6, has_class)) == all);
    CHECK(masks.streams[0].content.size() ==
          std::size_t(sees == Sees::nothing ? 0 : 4 + has_class));
    for (const MaskRow& query : masks.streams[0].content)
      CHECK(query.reads.size() == std::size_t(6 + has_class));
  }
}

}  // namespace
}  // namespace arvit::test
