// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/lars.hpp"

#include "support/optimiser_distance.hpp"

namespace arvit::test {

TEST_CASE("train/optimiser/lars: MAE's, also of a matrix that starts as zeros") {
  const LARS without_decay{.learning_rate = 0.1};
  CHECK(optimiser_distance("lars", LARS{.learning_rate = 0.1, .weight_decay = 0.05}) < 1e-12);
  CHECK(optimiser_distance("lars_zero", without_decay) < 1e-12);
  // What the fixtures tell apart.
  CHECK(optimiser_distance("lars", without_decay) > 1e-6);
}

}  // namespace arvit::test
