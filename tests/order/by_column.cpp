// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/by_column.hpp"

#include <doctest/doctest.h>

#include "arvit/core/grid.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {

TEST_CASE("order/by_column: the column of a patch is its rank, counted from 1") {
  const std::vector<int> ranks = drawn_ranks<ByColumn, ImageGrid<4, 6, 2>>({});
  CHECK(ranks == std::vector<int>{1, 2, 3, 1, 2, 3});
}

}  // namespace arvit::test
