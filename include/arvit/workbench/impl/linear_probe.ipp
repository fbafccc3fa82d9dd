// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/linear_probe.hpp"

#include <iostream>

#include "arvit/core/initialise.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/eval/probe_training.hpp"
#include "arvit/workbench/encoder_options.hpp"

namespace arvit::program {

namespace detail {
struct ProbeCommand {
  std::string data, method = "logistic", recipe, pooling = "class";
  int epochs = 0;
  int probe_batch = 0;
  double labels = 1;
  std::uint64_t seed = 0;
  EncoderOptions of_encoder;
};

ARVIT_DEFINITION ProbeCommand parse_probe(std::span<const EncoderModel> models, int argc,
                                          char** argv) {
  ProbeCommand command;
  constexpr std::string_view papers = "The papers' recipes";
  CommandLine line(text(
      "Trains a linear classifier on the features of a frozen encoder.\n\nBegin with:  ",
      program_name(argv), " --data /usr/share/datasets/fashion-mnist --checkpoint CHECKPOINT"));
  line.add("data", command.data, "pictures with classes, in a training and a test split", "Options",
           true);
  command.of_encoder.add_to(line);
  line.add("method", command.method,
           "on cached features: ridge (closed form) or logistic (L-BFGS)");
  line.add("seed", command.seed,
           "seed of splits, of the few labels, of the augmentation and of the untrained encoder");
  line.add("recipe", command.recipe, "saim, semaim or mae: train on augmented pictures instead",
           papers);
  line.add("pooling", command.pooling,
           "feature of a picture: class (token) or mean (of the patch tokens)", papers);
  line.add("epochs", command.epochs, "passes over the pictures; 0: the recipe's", papers);
  line.add("probe-batch", command.probe_batch, "pictures per step; 0: the recipe's", papers);
  line.add("labels", command.labels, "share of the training labels that is used, such as 0.01",
           papers);
  line.offer("method", {"ridge", "logistic"});
  line.offer("recipe", {"saim", "semaim", "mae"});
  line.offer("pooling", {"class", "mean"});
  line.models(infos_of(models));
  line.parse(argc, argv);
  const bool of_recipe = command.labels != 1 || command.epochs != 0 || command.probe_batch != 0 ||
                         command.pooling != "class";
  if (command.recipe.empty() && of_recipe)
    fail<OptionError>(
        "--labels, --epochs, --probe-batch and --pooling belong to --recipe; give saim, semaim or "
        "mae, or leave them out.");
  command.of_encoder.how.seed = command.seed;
  return command;
}
}  // namespace detail

ARVIT_DEFINITION void linear_probe(std::span<const EncoderModel> models, int argc, char** argv) {
  const detail::ProbeCommand command = detail::parse_probe(models, argc, argv);
  const OpenedEncoder opened(models, command.of_encoder);
  const ModelDescription& description = opened.description;
  const AnyDataset train = open_dataset(command.data);
  const AnyDataset test = open_dataset(command.data, Split::test);
  const std::vector<float> parameters = opened.parameters();
  Cpu<Fp32> device({command.of_encoder.threads, {}});
  if (command.recipe.empty()) {
    CompareOptions options;
    options.normalisation = opened.info.normalisation;
    options.protocol.probe.method = probe_method_from(command.method);
    options.protocol.seed = command.seed;
    options.threads = command.of_encoder.threads;
    const auto encoder = opened.extractor(device,
                                          all_layers(description.depth, description.class_token));
    std::cout << accuracy_table_text(compare_with_baselines(
        *encoder, parameters, untrained(description.encoder, command.seed), train, test, options));
    return;
  }
  ProbeRecipe recipe = probe_recipe_from(command.recipe);
  if (command.epochs != 0) recipe.epochs = command.epochs;
  if (command.probe_batch != 0) recipe.batch = command.probe_batch;
  const auto encoder = opened.extractor(device, {{readout_from(command.pooling)}});
  encoder->load(parameters);
  const Subset<> labelled(train,
                          stratified_fraction(labels_of(train), command.labels, command.seed));
  const auto say = [](int epoch, double loss, double rate) {
    std::cout << "epoch " << epoch << "  loss " << loss << "  learning rate " << rate << std::endl;
  };
  const double share = train_probe(*encoder, labelled, test, recipe,
                                   {.seed = command.seed,
                                    .threads = device.threads(),
                                    .normalisation = opened.info.normalisation,
                                    .progress = say});
  std::cout << "accuracy " << 100 * share << " % with " << labelled.size() << " labels\n";
}

}  // namespace arvit::program
