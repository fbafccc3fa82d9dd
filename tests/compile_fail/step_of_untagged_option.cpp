// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, Options...>: the options are RawPatches, an error (target/errors/),
// LinearHead, MlpHead and ResizePrediction.
#include <arvit/device/cpu.hpp>
#include <arvit/models.hpp>
#include <arvit/train/step.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel, int>>;
int main() {
  arvit::Cpu<arvit::Fp32> device;
  arvit::Step<Bad, arvit::Cpu<arvit::Fp32>> step(device, arvit::StepOptions{});
  step.begin(std::array<arvit::Counter, 1>{});
}
