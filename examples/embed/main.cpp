// SPDX-License-Identifier: BSL-1.0
// A feature extractor inside another program: embed CHECKPOINT prints the features of one picture.
#include <iostream>

#include "arvit/device/cpu.hpp"
#include "arvit/model/features.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/variants.hpp"

int main(int argc, char** argv) try {
  using Encoder = arvit::SAIM_Nano::Encoder;
  if (argc != 2) arvit::fail<arvit::OptionError>("usage: embed CHECKPOINT, of a SAIM_Nano model.");
  arvit::Cpu<arvit::Fp32> device;
  arvit::FeatureExtractor<Encoder, arvit::Cpu<arvit::Fp32>> extractor(
      device, {.batch = 1, .features = {{arvit::Readout::mean}}});
  extractor.load(arvit::load_encoder<Encoder>(argv[1]));
  std::vector<float> picture(Encoder::Grid::image_width,
                             0.5f);  // [3, 28, 28], normalised as in pre-training
  for (const float value : extractor.extract(picture)) std::cout << value << "\n";
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << std::endl;
  return 1;
}
