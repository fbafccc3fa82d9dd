// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/patch_embedding.hpp"

#include "arvit/core/grid.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/patch_embedding: gradients; rows of class tokens have none") {
  using Layer = PatchEmbedding<ImageGrid<4, 6, 2>, 5>;
  const MadeRows rows = two_images();
  const std::vector<double> pixels = hashed_images(2 * 3 * 4 * 6);
  const PictureRows<Reference<double>> in{{.pixels = pixels}, {3, 4, 6, 2}, rows};
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
}

}  // namespace arvit::test
