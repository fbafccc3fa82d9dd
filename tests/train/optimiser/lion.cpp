// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/lion.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "arvit/device/reference.hpp"

namespace arvit::test {

TEST_CASE("train/optimiser/lion: the sign of a mixture, then the momentum, as plain loops do it") {
  using D = Reference<double>;
  D device;
  const std::vector<ParameterRun> runs{{0, 3, 1, 1, 1}};
  std::vector<double> master{0.5, -0.5, 0.1}, momentum(3), expected = master, plain(3);
  const Lion lion{.learning_rate = 0.01};
  for (int step = 1; step <= 4; ++step) {
    std::vector<double> gradient{0.3 * step, step < 3 ? -0.2 : 0.9, 0.1};
    device.run(ops::Update<Lion, D>{
        .rule = lion, .runs = runs, .gradient = gradient, .master = master, .states = {momentum}});
    for (int i = 0; i < 3; ++i) {
      expected[i] -= 0.01 * std::copysign(1.0, 0.9 * plain[i] + 0.1 * gradient[i]);
      plain[i] = 0.99 * plain[i] + 0.01 * gradient[i];
      CHECK(master[i] == doctest::Approx(expected[i]).epsilon(1e-12));
      CHECK(momentum[i] == doctest::Approx(plain[i]).epsilon(1e-12));
    }
  }
}

}  // namespace arvit::test
