// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/positions/rows_columns.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "arvit/core/grid.hpp"

namespace arvit::test {

using Grid = ImageGrid<4, 6, 2>;
static_assert(RowsColumnsPositions::For<Grid, 5>::well_formed);
static_assert(!RowsColumnsPositions::For<Grid, 4>::well_formed);

TEST_CASE("nn/positions/rows_columns: the table") {
  const std::vector<double> table{1, 0, 1, 0, 0, 0,  // row 0, column 0
                                  1, 0, 0, 1, 0, 0,  //
                                  1, 0, 0, 0, 1, 0,  //
                                  0, 1, 1, 0, 0, 0,  // row 1, column 0
                                  0, 1, 0, 1, 0, 0,  //
                                  0, 1, 0, 0, 1, 0};
  CHECK(RowsColumnsPositions::For<Grid, 6>::added<double>(nullptr) == table);
}

}  // namespace arvit::test
