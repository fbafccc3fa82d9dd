// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/errors/cosine.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/errors/cosine: gradients, none of a row of zeros") {
  check_error<Cosine, 3>(hashed_images(4 * 3));
  CHECK(loss_of<Cosine>({3, 4}, {6, 8}).loss == doctest::Approx(0));
  CHECK(loss_of<Cosine>({3, 4}, {-3, -4}).loss == doctest::Approx(4));
  for (const OneLoss& found : {loss_of<Cosine>({0, 0}, {6, 8}), loss_of<Cosine>({3, 4}, {0, 0})}) {
    CHECK(found.loss == 2);
    CHECK(found.gradient == std::vector<double>{0, 0});
  }
}

}  // namespace arvit::test
