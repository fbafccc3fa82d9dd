// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: the decoder predicts the class token, but the target has none
#include <arvit/device/cpu.hpp>
#include <arvit/models.hpp>
#include <arvit/train/step.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::Pixel>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::Step<Bad, arvit::Cpu<arvit::Fp32>> step(device, arvit::StepOptions{});
  step.begin(std::array<arvit::Counter, 1>{});
}
