// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/sgd.hpp"

#include "support/optimiser_distance.hpp"

namespace arvit::test {

TEST_CASE("train/optimiser/sgd: PyTorch's, with momentum, without, and Nesterov's") {
  const SGD with_momentum{.learning_rate = 0.01, .weight_decay = 0.05};
  const SGD nesterov{.learning_rate = 0.01, .weight_decay = 0.05, .nesterov = true};
  CHECK(optimiser_distance("sgd", with_momentum) < 1e-12);
  CHECK(optimiser_distance("sgd_plain", SGD{.learning_rate = 0.01, .momentum = 0}) < 1e-12);
  CHECK(optimiser_distance("sgd_nesterov", nesterov) < 1e-12);
  // What the fixtures tell apart.
  CHECK(optimiser_distance("sgd", nesterov) > 1e-4);
  CHECK(optimiser_distance("sgd", SGD{.learning_rate = 0.01}) > 1e-4);
}

}  // namespace arvit::test
