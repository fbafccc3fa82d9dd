// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/schedule.hpp"

#include <doctest/doctest.h>

using namespace arvit;

TEST_CASE("schedule: warm-up is linear, the cosine falls to the minimum") {
  const Schedule schedule{1.6e-3, 1e-5, 30, 300};
  CHECK(schedule.at(0) == 0);
  CHECK(schedule.at(15) == doctest::Approx(0.8e-3));
  CHECK(schedule.at(30) == doctest::Approx(1.6e-3));
  CHECK(schedule.at(165) == doctest::Approx(1e-5 + (1.6e-3 - 1e-5) / 2));  // half of the cosine
  CHECK(schedule.at(30 + 270.0 / 3) == doctest::Approx(1e-5 + (1.6e-3 - 1e-5) * 0.75));
  CHECK(schedule.at(300) == doctest::Approx(1e-5));
  CHECK(schedule.at(400) == doctest::Approx(1e-5));  // not up again
}

TEST_CASE("schedule: without warm-up the first step has the peak") {
  CHECK(Schedule{2e-3, 0, 0, 10}.at(0) == doctest::Approx(2e-3));
  CHECK(Schedule{2e-3, 0, 10, 10}.at(5) == doctest::Approx(1e-3));  // all warm-up
}

TEST_CASE("schedule: the linear rule gives the papers' peaks") {
  CHECK(scaled_learning_rate(2e-4, 2048) == doctest::Approx(1.6e-3));
  CHECK(scaled_learning_rate(1.5e-4, 4096) == doctest::Approx(2.4e-3));
}

TEST_CASE("schedule: a ramp goes linearly and stays") {
  const Ramp ramp{0.999, 0.9999, 100};
  CHECK(ramp.at(0) == doctest::Approx(0.999));
  CHECK(ramp.at(50) == doctest::Approx(0.99945));
  CHECK(ramp.at(100) == doctest::Approx(0.9999));
  CHECK(ramp.at(1000) == doctest::Approx(0.9999));
  CHECK(Ramp{0.99, 0.99, 0}.at(0) == doctest::Approx(0.99));
}
