// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/adamw.hpp"

#include "support/optimiser_distance.hpp"

namespace arvit::test {

TEST_CASE("train/optimiser/adamw: PyTorch's") {
  CHECK(optimiser_distance("adamw", AdamW{.learning_rate = 0.01, .weight_decay = 0.05}) < 1e-12);
  // What the fixture tells apart.
  CHECK(optimiser_distance("adamw", AdamW{.learning_rate = 0.01, .weight_decay = 0}) > 1e-4);
}

}  // namespace arvit::test
