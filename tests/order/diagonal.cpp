// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/diagonal.hpp"

#include <doctest/doctest.h>

#include "arvit/core/grid.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

/// 1 + row + column of every patch in reading order.
std::vector<int> plain_ranks(int rows, int columns) {
  std::vector<int> ranks;
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) ranks.push_back(1 + y + x);
  return ranks;
}

using Wide = ImageGrid<6, 10, 2>;
using Tall = ImageGrid<10, 4, 2>;
using Single = ImageGrid<2, 2, 2>;
static_assert(KeyOrder<Diagonal, Wide> && KeyOrder<Diagonal, Single>);

TEST_CASE("order/diagonal: ranks, as plain loops have them") {
  CHECK(drawn_ranks<Diagonal, Wide>({}) == plain_ranks(3, 5));
  CHECK(drawn_ranks<Diagonal, Tall>({}) == plain_ranks(5, 2));
  CHECK(drawn_ranks<Diagonal, Single>({}) == plain_ranks(1, 1));
  CHECK(drawn_ends<Diagonal, Wide>({}) == std::vector<int>{0, 1, 3, 6, 9, 12, 14, 15});
}

}  // namespace
}  // namespace arvit::test
