// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/reference.hpp"
#include "support/fidelity_cases.hpp"

TEST_CASE("fidelity of positions on Reference<double>: loss, gradients and predictions to 1e-9") {
  arvit::Reference<double> device;
  arvit::test::check_positions(device);
  arvit::test::check_more_positions(device);
}
