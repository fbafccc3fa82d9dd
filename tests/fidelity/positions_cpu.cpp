// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu.hpp"
#include "support/fidelity_cases.hpp"

TEST_CASE("fidelity of positions on Cpu<Fp32>: loss, gradients and predictions within fp32") {
  arvit::Cpu<arvit::Fp32> device;
  arvit::test::check_positions(device);
}
