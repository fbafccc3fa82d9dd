// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/horizontal_difference.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {
namespace {

using Grid = ImageGrid<4, 6, 2>;
const std::vector<double> pixels = hashed_images(2 * Grid::image_width);
/// Two patches of the first image, one of the second.
const TargetCase<Grid> at{{.pixels = pixels}, {{0, 3, 7}, two_images().permutation}, 2};

}  // namespace

TEST_CASE("target/horizontal_difference: gradients of the prediction") {
  check_target<Target<HorizontalDifference>>(at);
  check_target<Target<HorizontalDifference, RawPatches, L1>>(at);
}
TEST_CASE("target/horizontal_difference: as plain loops have it, across patches and at the edge") {
  const MadeRows all{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, two_images().permutation};
  const auto values = target_values<HorizontalDifference, 12>(
      TargetCase<Grid>{{.pixels = pixels}, all, 2});
  for (int row = 0; row < 12; ++row)
    for (int i = 0; i < 12; ++i) {
      const int image = row / 6, patch = all.permutation[row], channel = i % 3;
      const int y = patch / 3 * 2 + i / 6, x = patch % 3 * 2 + i / 3 % 2;
      const double* line = pixels.data() + ((image * 3 + channel) * 4 + y) * 6;
      CHECK(values[row * 12 + i] == (x == 5 ? 0 : line[x + 1] - line[x]));
    }
}

}  // namespace arvit::test
