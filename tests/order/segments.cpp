// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/segments.hpp"

#include <doctest/doctest.h>

#include <set>

#include "arvit/core/grid.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

using B16 = ImageGrid<224, 224, 16>;
static_assert(KeyOrder<Segments<2>, B16> && KeyOrder<Segments<7, 1>, B16>);

/// The rank of every square of side x side patches; fails where two patches of one differ.
std::vector<int> ranks_of_squares(const std::vector<int>& ranks, int columns, int side) {
  const int rows = static_cast<int>(ranks.size()) / columns;
  std::vector<int> result;
  for (int top = 0; top < rows; top += side)
    for (int left = 0; left < columns; left += side) {
      result.push_back(ranks[top * columns + left]);
      for (int y = top; y < top + side; ++y)
        for (int x = left; x < left + side; ++x) CHECK(ranks[y * columns + x] == result.back());
    }
  return result;
}

TEST_CASE("segments: each square has one rank, each rank one square") {
  const std::vector<int> ranks = ranks_of_squares(drawn_ranks<Segments<2>, B16>({.seed = 8}), 14,
                                                  2);
  const std::set<int> different(ranks.begin(), ranks.end());
  CHECK(ranks.size() == 49);
  CHECK(different.size() == 49);
  CHECK(*different.begin() == 1);
  CHECK(*different.rbegin() == 49);
  const std::vector<int> ends = drawn_ends<Segments<2>, B16>({});
  REQUIRE(ends.size() == 50);
  CHECK(ends[0] == 0);
  CHECK(ends[1] == 4);
  CHECK(ends[49] == 196);
}
TEST_CASE(
    "segments: with two levels the segments of a square follow each other, in an order of their "
    "own") {
  using Grid = ImageGrid<8, 12, 1>;  // 2 x 3 squares of 4 x 4, four segments in each
  std::map<std::vector<int>, int> inner_orders;
  for (std::uint32_t image = 0; image < 10; ++image) {
    const std::vector<int> ranks = ranks_of_squares(
        drawn_ranks<Segments<4, 2>, Grid>({.seed = 8, .image = image}), 12, 2);
    std::set<int> first_ranks;
    for (int y = 0; y < 4; y += 2)
      for (int x = 0; x < 6; x += 2) {
        std::vector<int> inside{ranks[y * 6 + x], ranks[y * 6 + x + 1], ranks[(y + 1) * 6 + x],
                                ranks[(y + 1) * 6 + x + 1]};
        const int first = *std::min_element(inside.begin(), inside.end());
        for (int& rank : inside) rank -= first;
        ++inner_orders[inside];
        first_ranks.insert(first);
        std::sort(inside.begin(), inside.end());
        CHECK(inside == std::vector<int>{0, 1, 2, 3});
      }
    CHECK(first_ranks == std::set<int>{1, 5, 9, 13, 17, 21});
  }
  CHECK(inner_orders.size() > 12);  // of 24, in 60 squares
}
TEST_CASE("segments: every order of squares and of their segments is equally likely") {
  std::map<std::vector<int>, int> one_level, two_levels;
  for (std::uint32_t image = 0; image < 24000; ++image) {
    ++one_level[drawn_ranks<Segments<1>, ImageGrid<2, 2, 1>>({.seed = 2, .image = image})];
    ++two_levels[drawn_ranks<Segments<2, 1>, ImageGrid<2, 4, 1>>({.seed = 2, .image = image})];
  }
  CHECK(one_level.size() == 24);
  CHECK(chi_squared_excess(one_level, 24) < 5);
  CHECK(two_levels.size() == 2 * 24 * 24);
  CHECK(chi_squared_excess(two_levels, 2 * 24 * 24) < 5);
}
TEST_CASE("segments: an order follows from its counter") {
  const auto keys = drawn_keys<Segments<7, 1>, B16>({3, 1, 4});
  CHECK(keys == drawn_keys<Segments<7, 1>, B16>({3, 1, 4}));
  CHECK(keys != drawn_keys<Segments<7, 1>, B16>({3, 1, 5}));
  CHECK(keys != drawn_keys<Segments<7, 1>, B16>({3, 2, 4}));
}

}  // namespace
}  // namespace arvit::test
