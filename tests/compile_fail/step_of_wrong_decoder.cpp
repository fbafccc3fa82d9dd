// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth>: the decoder has more layers than the encoder; use at most one per
// encoder layer.
#include <arvit/device/cpu.hpp>
#include <arvit/models.hpp>
#include <arvit/train/step.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<13>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::Step<Bad, arvit::Cpu<arvit::Fp32>> step(device, arvit::StepOptions{});
  step.begin(std::array<arvit::Counter, 1>{});
}
