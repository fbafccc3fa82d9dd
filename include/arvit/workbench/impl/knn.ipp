// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/knn.hpp"

#include <iostream>

#include "arvit/eval/extract.hpp"
#include "arvit/eval/knn.hpp"
#include "arvit/workbench/encoder_options.hpp"

namespace arvit::program {

ARVIT_DEFINITION void knn(std::span<const EncoderModel> models, int argc, char** argv) {
  std::string data, pooling = "class";
  int layer = 0;
  KnnOptions options;
  EncoderOptions of_encoder;
  CommandLine line(text(
      "Classifies the test pictures of a data set by the labels of the most "
      "similar training pictures.\n\nBegin with:  ",
      program_name(argv), " --data /usr/share/datasets/fashion-mnist --checkpoint CHECKPOINT"));
  line.add("data", data, "pictures with classes, in a training and a test split", "Options", true);
  of_encoder.add_to(line);
  line.add("pooling", pooling, "feature of a picture: class (token) or mean (of the patch tokens)");
  line.add("layer", layer, "layer the feature is read from; 0: the last, with the final norm");
  line.add("temperature", options.temperature, "of the votes exp(similarity / temperature)");
  line.offer("pooling", {"class", "mean"});
  line.models(infos_of(models));
  line.parse(argc, argv);

  const OpenedEncoder opened(models, of_encoder);
  Cpu<Fp32> device({of_encoder.threads, {}});
  const auto encoder = opened.extractor(device, {{readout_from(pooling), layer}});
  encoder->load(opened.parameters());
  const EvaluationTransform transform = transform_of(opened.description, opened.info.normalisation);
  const AnyDataset bank = open_dataset(data);
  const AnyDataset questions = open_dataset(data, Split::test);
  const FeatureTable train = extract_features(
      *encoder, bank, transform,
      {.threads = device.threads(), .progress = PassProgress("training pictures")});
  const FeatureTable test = extract_features(
      *encoder, questions, transform,
      {.threads = device.threads(), .progress = PassProgress("test pictures")});
  const auto shares = arvit::knn(device, train, test, options);
  for (std::size_t i = 0; i < shares.size(); ++i)
    std::cout << "k = " << options.neighbours[i] << "  accuracy " << 100 * shares[i] << " %\n";
}

}  // namespace arvit::program
