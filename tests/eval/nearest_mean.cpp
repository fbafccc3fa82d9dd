// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/nearest_mean.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace arvit::test {

TEST_CASE("nearest mean: by hand, with a tie, and a class without rows") {
  // Means (1, 0), none, (5, 4).
  const FeatureTable train{2, {0, 0, 2, 0, 5, 4}, {0, 0, 2}};
  const FeatureTable test{2, {0, 0, 3, 2, 3, 2.5, 9, 9}, {0, 0, 2, 0}};
  const std::vector<int> predicted = nearest_mean(train, test);
  CHECK(predicted == std::vector<int>{0, 0, 2, 2});
  CHECK(accuracy(predicted, test.labels) == 0.75);
}
TEST_CASE("nearest mean: tables that do not fit are refused") {
  CHECK_THROWS_AS(nearest_mean({1, {0}, {0}}, {2, {0, 0}, {0}}), ShapeError);
}

}  // namespace arvit::test
