// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/pixel.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {
namespace {

using Grid = ImageGrid<4, 6, 2>;
const std::vector<double> pixels = hashed_images(2 * Grid::image_width);
/// Two patches of the first image, one of the second.
const TargetCase<Grid> at{{.pixels = pixels}, {{0, 3, 7}, two_images().permutation}, 2};

}  // namespace

TEST_CASE("target/pixel: gradients of the prediction") {
  check_target<Target<Pixel>>(at);
  check_target<Target<Pixel, RawPatches, L1>>(at);
  check_target<Target<Pixel, Cosine>>(at);
}
TEST_CASE("target/pixel: the loss is the mean over entries") {
  double squares = 0;
  for (const double value : target_values<Pixel, 12>(at)) squares += value * value / (3 * 12);
  CHECK(loss_of_zeros<Target<Pixel, RawPatches>>(at) == doctest::Approx(squares));
}
TEST_CASE("target/pixel: a row has the pixels of its patch, channel fastest") {
  const auto raw = target_values<Pixel, 12>(at), standard = target_values<Pixel, 12>(at, true);
  const int image = 1, patch = at.rows.permutation[7];
  double mean = 0, squares = 0;
  for (int i = 0; i < 12; ++i) {
    const int y = patch / 3 * 2 + i / 6, x = patch % 3 * 2 + i / 3 % 2, channel = i % 3;
    CHECK(raw[2 * 12 + i] == pixels[((image * 3 + channel) * 4 + y) * 6 + x]);
    mean += standard[2 * 12 + i] / 12;
    squares += standard[2 * 12 + i] * standard[2 * 12 + i] / 11;
  }
  CHECK(std::abs(mean) < 1e-12);
  CHECK(squares == doctest::Approx(1).epsilon(1e-5));
}

}  // namespace arvit::test
