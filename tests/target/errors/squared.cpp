// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/squared.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/squared: gradients") {
  check_error<L2, 3>(hashed_images(4 * 3));
  const OneLoss found = loss_of<L2>({1, -2, 5}, {3, -4, 5});
  CHECK(found.loss == 8);
  CHECK(found.gradient == std::vector<double>{-4, 4, 0});
}

}  // namespace arvit::test
