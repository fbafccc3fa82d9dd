// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/features.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {
namespace {

template <int Height, int Width> struct Teacher {
  using Grid = ImageGrid<Height, Width, 1>;
  static constexpr int dim = 3;
  static constexpr bool has_class_token = true;
};
using Same = Features<Teacher<2, 4>>;
using Finer = Features<Teacher<4, 8>>;
using Grid = ImageGrid<4, 8, 2>;  // 2 x 4 patches
const std::vector<std::int32_t> permutation{4, 1, 0, 2, 3, 5, 7, 6, 6, 1, 0, 2, 5, 4, 3, 7};

const std::vector<double> tokens = hashed_images(2 * (1 + 4 * 8) * 3);
template <class Kind> TargetCase<Grid> rows_of(const MadeRows& rows) {
  return {{.tokens = Span<const double>(tokens.data(), 2 * Kind::template tokens<Grid> * 3)},
          rows,
          2,
          true};
}

}  // namespace

TEST_CASE("target/features: gradients of the prediction, class tokens among them") {
  const MadeRows rows{{0, 3, -1, 9, -2}, permutation};
  check_target<Target<Same>>(rows_of<Same>(rows));
  check_target<Target<Finer, L2>>(rows_of<Finer>(rows));
}
TEST_CASE("target/features: a finer grid of the teacher is resized, class tokens are as they are") {
  const auto values = target_values<Finer, 3>(rows_of<Finer>({{0, -2}, permutation}));
  for (int c = 0; c < 3; ++c) {
    const auto of_class = [&](int image) { return image * 33 * 3 + c; };
    const auto cell = [&](int y, int x) { return tokens[of_class(0) + (1 + y * 8 + x) * 3]; };
    // Patch 4, at row 1 and column 0.
    CHECK(values[c] ==
          doctest::Approx((cell(2, 0) + cell(2, 1) + cell(3, 0) + cell(3, 1)) / 4).epsilon(1e-14));
    CHECK(values[3 + c] == tokens[of_class(1)]);
  }
}
TEST_CASE("target/features: gradients of predictions that are resized to the teacher's cells") {
  // Clusters of 2 x 2 patches, two in the first image and two in the second, then class tokens.
  const std::vector<std::int32_t> clusters{0, 1, 4, 5, 2, 3, 6, 7, 2, 3, 6, 7, 0, 1, 4, 5};
  const MadeRows rows{{0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, 12, 13, 14, 15, -2}, clusters};
  const TargetCase<Grid> at = rows_of<Finer>(rows);
  check_target<Target<Finer, ResizePrediction<2, 2>>>(at);
  const double resized = check_target<Target<Same, L1, ResizePrediction<2, 2>>>(
      rows_of<Same>(rows));
  // A teacher of the model's own grid: nothing moves.
  CHECK(resized == doctest::Approx(check_target<Target<Same, L1>>(rows_of<Same>(rows))));
}

}  // namespace arvit::test
