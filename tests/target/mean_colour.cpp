// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/mean_colour.hpp"

#include "arvit/target/pixel.hpp"
#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/mean_colour: gradients; the mean of each channel of a patch") {
  using Grid = ImageGrid<4, 6, 2>;
  const std::vector<double> pixels = hashed_images(2 * Grid::image_width);
  const TargetCase<Grid> at{{.pixels = pixels}, {{0, 3, 7}, two_images().permutation}, 2};
  check_target<Target<MeanColour, RawPatches>>(at);
  const auto all = target_values<Pixel, 12>(at), mean = target_values<MeanColour, 3>(at);
  for (int row = 0; row < 3; ++row)
    for (int channel = 0; channel < 3; ++channel) {
      double sum = 0;
      for (int pixel = 0; pixel < 4; ++pixel) sum += all[row * 12 + pixel * 3 + channel];
      CHECK(mean[row * 3 + channel] == doctest::Approx(sum / 4));
    }
}

}  // namespace arvit::test
