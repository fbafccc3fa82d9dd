// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/gaussian.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {
namespace {

using Grid = ImageGrid<4, 6, 2>;
const std::vector<double> pixels = hashed_images(2 * Grid::image_width);

}  // namespace

TEST_CASE("target/gaussian: gradients of the prediction") {
  const TargetCase<Grid> at{{.pixels = pixels}, {{0, 3, 7}, two_images().permutation}, 2};
  check_target<Target<Gaussian<3>>>(at);
  check_target<Target<Gaussian<5, std::ratio<3, 2>>, RawPatches>>(at);
}
TEST_CASE("target/gaussian: the kernel sums to 1, and beyond the borders there is nothing") {
  const double side = std::exp(-0.5) / (1 + 2 * std::exp(-0.5));
  const std::vector<double> ones(Grid::image_width, 1);
  std::vector<std::int32_t> places{0, 1, 2, 3, 4, 5};
  const auto values = target_values<Gaussian<3>, 12>(
      TargetCase<Grid>{{.pixels = ones}, {places, places}, 1});
  const auto at = [&](int patch, int y, int x) { return values[patch * 12 + (y * 2 + x) * 3]; };
  CHECK(at(0, 0, 0) == doctest::Approx((1 - side) * (1 - side)));
  CHECK(at(0, 0, 1) == doctest::Approx(1 - side));
  CHECK(at(0, 1, 1) == doctest::Approx(1));  // across patches
  CHECK(at(5, 1, 1) == doctest::Approx((1 - side) * (1 - side)));
}

}  // namespace arvit::test
