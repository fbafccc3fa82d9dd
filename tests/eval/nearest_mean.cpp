// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/nearest_mean.hpp"

#include <doctest/doctest.h>

namespace arvit::test {

TEST_CASE("nearest mean: by hand") {
  const FeatureTable train{1, {0, 2, 10, 14}, {0, 0, 1, 1}};  // means 1 and 12
  const FeatureTable test{1, {6, 7, 0, 20}, {0, 1, 0, 0}};
  CHECK(nearest_mean(train, test) == 0.75);
}

}  // namespace arvit::test
