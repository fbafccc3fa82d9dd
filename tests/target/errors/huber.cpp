// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/huber.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/huber: gradients, on both sides of 1") {
  check_error<Huber, 3>(hashed_images(4 * 3));
  const OneLoss found = loss_of<Huber>({3, 1.5, -5}, {3, 1, 0});
  CHECK(found.loss == 0 + 0.125 + 4.5);
  CHECK(found.gradient == std::vector<double>{0, 0.5, -1});
}

}  // namespace arvit::test
