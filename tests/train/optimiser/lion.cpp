// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/optimiser/lion.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "arvit/device/reference.hpp"

namespace arvit::test {

TEST_CASE("train/optimiser/lion: as plain loops have it, with the factors of each run") {
  using D = Reference<double>;
  D device;
  const std::vector<ParameterRun> runs{{0, 2, 1, 1}, {2, 4, 0.5, 0}};
  const std::vector<double> rates{0.01, 0.01, 0.005, 0.005}, decays{0.1, 0.1, 0, 0};
  std::vector<double> master{0.5, -0.5, 0.1, 0.2}, momentum(4), expected = master, plain(4);
  const Lion lion{.learning_rate = 0.01, .weight_decay = 0.1};
  for (int step = 1; step <= 4; ++step) {
    // At the end the second gradient turns, but not yet its mixture; the last is 0.
    const std::vector<double> gradient{0.3 * step, step < 4 ? -0.9 : 0.1, step < 3 ? -0.2 : 0.9, 0};
    device.run(ops::Update<Lion, D>{
        .rule = lion, .runs = runs, .gradient = gradient, .master = master, .states = {momentum}});
    for (int i = 0; i < 4; ++i) {
      const double mixed = 0.9 * plain[i] + 0.1 * gradient[i];
      const double sign = mixed > 0 ? 1 : mixed < 0 ? -1 : 0;
      expected[i] -= rates[i] * (sign + decays[i] * expected[i]);
      plain[i] = 0.99 * plain[i] + 0.01 * gradient[i];
      CHECK(master[i] == doctest::Approx(expected[i]).epsilon(1e-12));
      CHECK(momentum[i] == doctest::Approx(plain[i]).epsilon(1e-12));
    }
  }
}

}  // namespace arvit::test
