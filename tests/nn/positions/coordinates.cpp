// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/positions/coordinates.hpp"

#include <doctest/doctest.h>

#include "arvit/core/grid.hpp"

namespace arvit::test {

TEST_CASE("nn/positions/coordinates: row and column") {
  using Layer = Coordinates::For<ImageGrid<4, 6, 2>, 2>;
  CHECK(Layer::added<double>(nullptr) == std::vector<double>{0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2});
}

}  // namespace arvit::test
