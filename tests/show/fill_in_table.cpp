// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/fill_in_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "arvit/eval/image_quality.hpp"
#include "arvit/show/fill_in.hpp"
#include "support/fill.hpp"

namespace arvit::test {
namespace {

constexpr ImageShape shape{3, 16, 24, 4};
constexpr std::size_t size = 3 * 16 * 24, plane = 16 * 24, patches = 24;

TEST_CASE("fill_in_table: measures whole pictures and their masked part") {
  const std::vector<Counter> counters{{1, 0, 0}, {1, 0, 1}};
  const Normalisation colours{{0.25f, 0.5f, 0.5f}, {0.5f, 0.25f, 1}};
  std::vector<float> original(2 * size);
  for (std::size_t i = 0; i < original.size(); ++i) {
    const std::size_t c = i / plane % 3;
    original[i] = (static_cast<float>(0.2 + 0.6 * hashed("picture", i)) - colours.mean[c]) /
                  colours.deviation[c];
  }
  FillInTable table(0.75, 3);
  const auto ranks = table.ranks("a", shape, counters);
  REQUIRE(ranks.size() == 2 * patches);
  CHECK(std::count(ranks.begin(), ranks.end(), 0) == 12);
  CHECK(table.ranks("b", shape, counters) == ranks);
  const auto rank_at = [&](std::size_t i) {
    return ranks[i / size * patches + i % plane / 24 / 4 * 6 + i % plane % 24 / 4];
  };
  auto off = original;
  for (std::size_t i = 0; i < off.size(); ++i)
    if (rank_at(i) > 0) off[i] += 0.1f / colours.deviation[i / plane % 3];
  table.add("off", "a", "as they are", original, off, colours);
  table.add("same", "b", "with mean and deviation of the true patch", original, original, colours);
  REQUIRE(table.rows().size() == 3);
  const auto& [mean_colour, tenth, same] = std::tie(table.rows()[0], table.rows()[1],
                                                    table.rows()[2]);
  CHECK(tenth.masked_psnr == doctest::Approx(20).epsilon(1e-5));
  CHECK(tenth.psnr == doctest::Approx(20 - 10 * std::log10(0.75)).epsilon(1e-5));
  CHECK(same.ssim == doctest::Approx(1));
  CHECK(same.masked_ssim == doctest::Approx(1));
  CHECK(std::isinf(same.psnr));
  CHECK(tenth.ssim < 1);
  CHECK(mean_colour.name == "mean colour");
  CHECK(mean_colour.masked_psnr < 20);
  CHECK(mean_colour.masked_psnr > 10);  // a deviation of 0.17
  // The masked SSIM of the first picture by hand.
  std::vector<float> a(2 * size), b(2 * size);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t c = i / plane % 3;
    a[i] = original[i] * colours.deviation[c] + colours.mean[c];
    b[i] = off[i] * colours.deviation[c] + colours.mean[c];
  }
  double mean = 0, masked = 0;
  for (std::size_t picture = 0; picture < 2; ++picture) {
    const auto map = ssim_map(std::span(a).subspan(picture * size, size),
                              std::span(b).subspan(picture * size, size), 16, 24);
    double sum = 0, count = 0;
    for (std::size_t at = 0; at < map.size(); ++at) {
      mean += map[at] / static_cast<double>(2 * map.size());
      if (rank_at(picture * size + (at / 14 + 5) * 24 + at % 14 + 5) > 0) {
        sum += map[at];
        ++count;
      }
    }
    masked += sum / count / 2;
  }
  CHECK(tenth.ssim == doctest::Approx(mean).epsilon(1e-6));
  CHECK(tenth.masked_ssim == doctest::Approx(masked).epsilon(1e-6));

  CHECK(table.text().find("20.00 dB") != std::string::npos);
  CHECK(table.json().find("\"mask_ratio\":0.75") != std::string::npos);
  CHECK(table.json().find("\"psnr\":null") != std::string::npos);  // of equal pictures
  CHECK(table.picture(1).height() < table.picture(2).height());
  CHECK(table.picture(2).height() == table.picture(9).height());
}

TEST_CASE(
    "fill_in_table: models of other sizes, and pictures that are not those of the masks, are "
    "refused") {
  const std::vector<Counter> counters{{1, 0, 0}};
  const std::vector<float> pictures(size), more(2 * size);
  FillInTable table(0.75, 3);
  CHECK_THROWS_AS(table.add("early", "a", "", pictures, pictures, {}), ShapeError);
  CHECK_THROWS_AS(table.ranks("small", {3, 8, 8, 4}, counters), OptionError);
  table.ranks("a", shape, counters);
  CHECK_THROWS_AS(table.ranks("b", {3, 16, 24, 8}, counters), OptionError);
  CHECK_THROWS_AS(table.ranks("b", shape, std::vector<Counter>{{1, 0, 1}}), ShapeError);
  CHECK_THROWS_AS(table.ranks("b", shape, std::vector<Counter>{{1, 0, 0}, {1, 0, 1}}), ShapeError);
  CHECK_THROWS_AS(table.add("a", "a", "", pictures, more, {}), ShapeError);
  CHECK_THROWS_AS(table.add("a", "a", "", more, more, {}), ShapeError);
  CHECK_THROWS_AS(FillInTable(0, 3).ranks("a", shape, counters), OptionError);
}

TEST_CASE(
    "fill_in_table: PSNR is that of the mean squared error, and SSIM of pictures with a masked "
    "window alone") {
  // 1 of 24 patches is masked: around few of them lies a whole window, which takes its centre from
  // rows 5 to 10 and columns 5 to 18.
  std::vector<Counter> counters;
  for (std::uint32_t i = 0; i < 12; ++i) counters.push_back({1, 0, i});
  FillInTable table(0.01, 20);
  const auto ranks = table.ranks("a", shape, counters);
  std::vector<float> original(12 * size, 0.5f), filled(12 * size, 0.5f);
  int windows = 0;
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t patch = 0; patch < patches; ++patch) {
      if (ranks[i * patches + patch] == 0) continue;
      windows += patch / 6 > 0 && patch / 6 < 3 && patch % 6 > 0 && patch % 6 < 5;
      if (i == 0) continue;  // the first picture comes out exactly right
      for (std::size_t at = 0; at < size; ++at)
        if (at % plane / 24 / 4 == patch / 6 && at % plane % 24 / 4 == patch % 6)
          filled[i * size + at] = 0.6f;
    }
  REQUIRE(windows > 0);
  REQUIRE(windows < 12);
  table.add("a", "a", "", original, filled, {{0, 0, 0}, {1, 1, 1}});
  CHECK(table.rows()[1].masked_psnr ==
        doctest::Approx(20 - 10 * std::log10(11.0 / 12)).epsilon(1e-5));
  CHECK(table.rows()[1].masked_ssim < 0.9);
  CHECK(table.json().find("\"groups\":1,") != std::string::npos);  // one patch is one group
  // Of a single picture whose masked patch lies in a corner nothing is measured.
  for (std::uint32_t i = 0; i < 12; ++i) {
    FillInTable one(0.01, 20);
    const auto of_one = one.ranks("a", shape, std::vector<Counter>{{1, 0, i}});
    const auto patch = static_cast<std::size_t>(std::ranges::max_element(of_one) - of_one.begin());
    one.add("a", "a", "", std::span(original).first(size),
            std::span(filled).subspan(i * size, size), {{0, 0, 0}, {1, 1, 1}});
    CHECK(std::isnan(one.rows()[1].masked_ssim) ==
          !(patch / 6 > 0 && patch / 6 < 3 && patch % 6 > 0 && patch % 6 < 5));
  }
}

}  // namespace
}  // namespace arvit::test
