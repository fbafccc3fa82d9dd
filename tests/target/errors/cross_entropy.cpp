// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/cross_entropy.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/cross_entropy: gradients, none of a class below 0") {
  check_error<CrossEntropy, 3>({0, 2, -1, 1});
  const OneLoss found = loss_of<CrossEntropy>({0, 0, 0, 0}, {1});
  CHECK(found.loss == doctest::Approx(std::log(4.0)));
  CHECK(found.gradient == std::vector<double>{0.25, -0.75, 0.25, 0.25});
  CHECK(loss_of<CrossEntropy>({1, 2}, {-1}).loss == 0);
  CHECK(loss_of<CrossEntropy>({1, 2}, {-1}).gradient == std::vector<double>{0, 0});
}
TEST_CASE("target/errors/cross_entropy: large scores are no infinities, a class too many is none") {
  CHECK(loss_of<CrossEntropy>({800, 0}, {0}).loss == 0);
  CHECK(loss_of<CrossEntropy>({800, 0}, {1}).loss == 800);
  CHECK(std::isnan(loss_of<CrossEntropy>({1, 2}, {2}).loss));
}

}  // namespace arvit::test
