// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/positions/learned.hpp"

#include "arvit/core/grid.hpp"
#include "arvit/nn/positions/positions.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/positions/learned: gradients; several rows may lie at one patch") {
  using Layer = LearnedPositions::For<ImageGrid<4, 6, 2>, 4>;
  const MadeRows rows = two_images();
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<4>("x", rows.rows());
  const auto y = check.output<4>("y", rows.rows());
  const Positions<Reference<double>> positions{.table = {w.weights.table.data(), 6, 4},
                                               .gradient = {w.gradient.table.data(), 6, 4}};
  check.run(
      [&] {
        std::copy_n(x.data(), rows.rows() * 4, y.data());
        positions.add(c, y, rows);
      },
      [&] {
        std::copy_n(y.gradient.data(), rows.rows() * 4, x.gradient.data());
        positions.backward(c, x.gradient, rows);
      });
}

}  // namespace arvit::test
