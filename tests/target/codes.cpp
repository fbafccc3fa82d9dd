// SPDX-License-Identifier: BSL-1.0
#include "arvit/target/codes.hpp"

#include "support/loss_check.hpp"

namespace arvit::test {

TEST_CASE("target/codes: gradients of the scores; a row has the code of its patch") {
  using Grid = ImageGrid<4, 6, 2>;
  const std::vector<double> codes{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1};
  const TargetCase<Grid> at{{.codes = codes}, two_images(), 2};
  check_target<Target<Codes<5>>>(at);
  CHECK(loss_of_zeros<Target<Codes<5>>>(at) == doctest::Approx(5 * std::log(5.0) / 7));
  CHECK(target_values<Codes<5>, 1>(at) == std::vector<double>{-1, 4, 0, 0, -1, 2, 3});
}

}  // namespace arvit::test
