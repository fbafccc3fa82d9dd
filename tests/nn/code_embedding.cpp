// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/code_embedding.hpp"

#include "arvit/core/grid.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/code_embedding: gradients; rows of class tokens have none") {
  using Layer = CodeEmbedding<ImageGrid<4, 6, 2>, 5, 3>;
  const MadeRows rows = two_images();
  const std::vector<double> codes{0, 1, 2, 2, 1, 0, 0, 0, 2, 1, 2, 1};
  const PictureRows<Reference<double>> in{{.codes = codes}, {3, 4, 6, 2}, rows};
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto y = check.output<5>("tokens", rows.rows());
  check.run(
      [&] {
        Layer::forward(c, w.weights, in, y);
        clear_class_rows(rows, y);
      },
      [&] {
        clear_class_rows(rows, y.gradient);
        Layer::backward(c, in, y.gradient, w.gradient);
      });
  // Patches 4, 0 and 5 of the first image, 1 and 2 of the second.
  Layer::forward(c, w.weights, in, y);
  const std::vector<int> expected{-1, 1, 0, 0, -1, 0, 2};
  for (std::int64_t r = 0; r < rows.rows(); ++r)
    if (expected[r] >= 0) CHECK(std::equal(y[r], y[r] + 5, w.weights.table[expected[r]]));
}

}  // namespace arvit::test
