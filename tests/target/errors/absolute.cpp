// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/absolute.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/absolute: gradients, none where there is no error") {
  check_error<L1, 3>(hashed_images(4 * 3));
  const OneLoss found = loss_of<L1>({1, -2, 5}, {3, -4, 5});
  CHECK(found.loss == 4);
  CHECK(found.gradient == std::vector<double>{-1, 1, 0});
}

}  // namespace arvit::test
