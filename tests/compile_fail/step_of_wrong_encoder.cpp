// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.
#include <arvit/device/cpu.hpp>
#include <arvit/models.hpp>
#include <arvit/train/step.hpp>

using Bad = arvit::SAIM<arvit::ViT<12, 768, 10>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::Step<Bad, arvit::Cpu<arvit::Fp32>> step(device, arvit::StepOptions{});
  step.begin(std::array<arvit::Counter, 1>{});
}
