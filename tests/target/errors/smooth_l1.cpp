// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/smooth_l1.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/smooth_l1: gradients on both sides of the threshold") {
  check_error<SmoothL1<>, 3>(hashed_images(4 * 3));
  check_error<SmoothL1<std::ratio<1, 4>>, 3>(hashed_images(4 * 3));
  // |d| = 0, 1, 2 (the threshold) and 5.
  const OneLoss found = loss_of<SmoothL1<std::ratio<2>>>({3, 1, -2, -5}, {3, 2, -4, 0});
  CHECK(found.loss == 0 + 0.25 + 1 + 4);
  CHECK(found.gradient == std::vector<double>{0, -0.5, 1, -1});
}
TEST_CASE("target/errors/smooth_l1: a large difference keeps its sign, in few digits as well") {
  CHECK(loss_of<SmoothL1<>>({1e20, -1e20}, {0, 0}).gradient == std::vector<double>{1, -1});
}

}  // namespace arvit::test
