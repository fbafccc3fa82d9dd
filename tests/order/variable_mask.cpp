// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <cmath>

#include "arvit/core/grid.hpp"
#include "arvit/order/random_mask.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

using Grid = ImageGrid<256, 256, 16>;  // MAGE's 256 patches

TEST_CASE("variable mask: the masked share is MAGE's truncated normal") {
  double sum = 0, squares = 0;
  int fewest = 256, most = 0;
  constexpr int draws = 20000;
  for (std::uint32_t image = 0; image < draws; ++image) {
    const std::vector<int> ends = drawn_ends<VariableMask<>, Grid>({7, 0, image});
    REQUIRE(ends.size() == 2);
    REQUIRE(ends[1] == 256);
    const int masked = 256 - ends[0];
    sum += masked;
    squares += double{1} * masked * masked;
    fewest = std::min(fewest, masked);
    most = std::max(most, masked);
  }
  // N(0.55, 0.25^2) between 0.5 and 1: by quadrature 0.70228 and 0.12836. Rounded up, half a patch
  // more.
  double weight = 0, mean = 0, square = 0;
  for (int i = 0; i < 100000; ++i) {
    const double r = 0.5 + (i + 0.5) / 200000,
                 p = std::exp(-(r - 0.55) * (r - 0.55) / (2 * 0.0625));
    weight += p;
    mean += p * r;
    square += p * r * r;
  }
  mean /= weight;
  const double deviation = std::sqrt(square / weight - mean * mean);
  CHECK(sum / draws == doctest::Approx(256 * mean + 0.5).epsilon(0.005));
  CHECK(std::sqrt(squares / draws - sum / draws * (sum / draws)) ==
        doctest::Approx(256 * deviation).epsilon(0.02));
  CHECK(fewest >= 128);
  CHECK(fewest <= 129);
  CHECK(most <= 256);
  CHECK(most >= 254);
}
TEST_CASE("variable mask: follows from the counter, and lies between its extremes") {
  using O = VariableMask<std::ratio<1, 2>, std::ratio<1, 4>, std::ratio<1, 4>, std::ratio<3, 4>>;
  CHECK(drawn_ends<O, Grid>({3, 1, 4}) == drawn_ends<O, Grid>({3, 1, 4}));
  CHECK(drawn_ends<O, Grid>({3, 1, 4}) != drawn_ends<O, Grid>({3, 1, 5}));
  std::array<int, 2> content{}, queries{};
  CHECK(extremes<O>() == 2);
  extreme_profile<O, Grid>(0, RankRules<1>{}, content);
  extreme_profile<O, Grid>(1, RankRules<1>{}, queries);
  CHECK(content == std::array{192, 256});
  CHECK(queries == std::array{64, 256});
  for (std::uint32_t image = 0; image < 300; ++image) {
    const int visible = drawn_ends<O, Grid>({1, 0, image})[0];
    CHECK(visible <= content[0]);
    CHECK(visible >= queries[0]);
  }
}

}  // namespace
}  // namespace arvit::test
