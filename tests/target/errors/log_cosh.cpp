// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/log_cosh.hpp"

#include <cmath>
#include <numbers>

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/log_cosh: gradients; its numbers") {
  check_error<LogCosh, 3>(hashed_images(4 * 3));
  const OneLoss found = loss_of<LogCosh>({3, 1.5, -2}, {3, 1, 0});
  CHECK(found.loss == doctest::Approx(std::log(std::cosh(0.5)) + std::log(std::cosh(2.0))));
  CHECK(found.gradient[0] == 0);
  CHECK(found.gradient[1] == doctest::Approx(std::tanh(0.5)));
  CHECK(found.gradient[2] == doctest::Approx(std::tanh(-2.0)));
}
TEST_CASE("target/errors/log_cosh: a large difference does not overflow") {
  const OneLoss found = loss_of<LogCosh>({1e5, -1e5}, {0, 0});
  CHECK(found.loss == doctest::Approx(2e5 - 2 * std::numbers::ln2));
  CHECK(found.gradient == std::vector<double>{1, -1});
}

}  // namespace arvit::test
