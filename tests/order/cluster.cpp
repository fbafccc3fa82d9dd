// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/cluster.hpp"

#include <doctest/doctest.h>

#include <set>

#include "arvit/core/grid.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

using B16 = ImageGrid<224, 224, 16>;
static_assert(KeyOrder<Cluster<2, 2>, B16>);

/// Rank of every patch, for the counts of D-iGPT's Table 7: a rectangle of height x width patches
/// has one rank, every rank has one rectangle.
template <int Rows, int Columns> void check_rectangles(int height, int width) {
  CAPTURE(Rows);
  CAPTURE(Columns);
  using O = Cluster<Rows, Columns>;
  const std::vector<int> ranks = drawn_ranks<O, B16>({.seed = 5, .image = 2});
  std::set<int> of_rectangles;
  bool one_rank = true;
  for (int top = 0; top < 14; top += height)
    for (int left = 0; left < 14; left += width) {
      const int rank = ranks[top * 14 + left];
      of_rectangles.insert(rank);
      for (int y = top; y < top + height; ++y)
        for (int x = left; x < left + width; ++x) one_rank = one_rank && ranks[y * 14 + x] == rank;
    }
  CHECK(one_rank);
  CHECK(static_cast<int>(of_rectangles.size()) == Rows * Columns);
  CHECK(*of_rectangles.begin() == 1);
  CHECK(*of_rectangles.rbegin() == Rows * Columns);
  const std::vector<int> ends = drawn_ends<O, B16>({});
  REQUIRE(static_cast<int>(ends.size()) == Rows * Columns + 1);
  for (std::size_t rank = 0; rank < ends.size(); ++rank)
    CHECK(ends[rank] == static_cast<int>(rank) * height * width);
}

TEST_CASE("cluster: the rectangles of Table 7 have one rank each") {
  check_rectangles<1, 1>(14, 14);
  check_rectangles<1, 2>(14, 7);
  check_rectangles<2, 2>(7, 7);
  check_rectangles<2, 7>(7, 2);
  check_rectangles<7, 7>(2, 2);
  check_rectangles<14, 14>(1, 1);
}
TEST_CASE("cluster: inside a rectangle the patches keep reading order") {
  // Rectangles of 2 x 2.
  const auto patches = sorted_patches(drawn_keys<Cluster<2, 3>, ImageGrid<8, 12, 2>>({.seed = 1}));
  for (std::size_t i = 0; i < patches.size(); i += 4) {
    CHECK(patches[i + 1] == patches[i] + 1);
    CHECK(patches[i + 2] == patches[i] + 6);
    CHECK(patches[i + 3] == patches[i] + 7);
  }
}
TEST_CASE("cluster: every permutation of four is equally likely, and follows from the counter") {
  using Grid = ImageGrid<2, 2, 1>;
  std::map<std::vector<int>, int> seen;
  for (std::uint32_t image = 0; image < 24000; ++image)
    ++seen[drawn_ranks<Cluster<2, 2>, Grid>({.seed = 3, .image = image})];
  CHECK(seen.size() == 24);
  CHECK(chi_squared_excess(seen, 24) < 5);
  const auto keys = drawn_keys<Cluster<7, 7>, B16>({3, 1, 4});
  CHECK(keys == drawn_keys<Cluster<7, 7>, B16>({3, 1, 4}));
  CHECK(keys != drawn_keys<Cluster<7, 7>, B16>({3, 1, 5}));
  CHECK(keys != drawn_keys<Cluster<7, 7>, B16>({3, 2, 4}));
  CHECK(keys != drawn_keys<Cluster<7, 7>, B16>({4, 1, 4}));
}

}  // namespace
}  // namespace arvit::test
