// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/inspect.hpp"

#include <iostream>

#include "arvit/run/command_line.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/memory.hpp"

namespace arvit::program {

ARVIT_DEFINITION void inspect(std::span<const InspectedModel> models, int argc, char** argv) {
  std::string model, checkpoint, mask, ranks;
  int condition = 0;
  bool sorted = false, average = false;
  StepOptions step{.micro_batch = 64};
  std::uint64_t seed = 0;
  const std::string name = program_name(argv);
  CommandLine line(
      text("Prints what a model needs and holds, what a checkpoint says of itself, and "
           "who reads whom.\n\nBegin with:  ",
           name, " --model ", models.empty() ? "NAME" : models.back().info.name, "    or    ", name,
           " --ranks 0,0,2,0,1,1,2"));
  line.add("model", model, "print memory plan and parameters of this model");
  line.add("micro-batch", step.micro_batch, "images that are trained at once, for the memory plan");
  line.add("recompute", step.recompute, "plan for a step that keeps only the inputs of blocks");
  line.add("average", average, "the plan includes an average of the parameters (--ema)");
  line.add("checkpoint", checkpoint,
           "print the metadata of this file, or of the newest in the folder of a run");
  line.add("mask", mask, "print the masks of this model on a small grid");
  line.add("seed", seed, "seed of the order, for --mask");
  line.add("ranks", ranks, "print the masks of tokens with these ranks, separated by commas");
  line.add("condition", condition, "condition tokens before --ranks, of rank 0");
  line.add("sorted", sorted, "masks with tokens sorted by rank, instead of in reading order");
  line.models(infos_of(models));
  for (const InspectedModel& known : models) line.offer("mask", {std::string(known.info.name)});
  line.parse(argc, argv);
  if (model.empty() && checkpoint.empty() && mask.empty() && ranks.empty())
    fail<OptionError>("nothing to inspect; give --model, --checkpoint, --mask or --ranks.");
  if (step.micro_batch < 1)
    fail<OptionError>("--micro-batch is ", step.micro_batch, "; it must be at least 1.");

  step.average = average;
  if (!model.empty()) {
    const InspectedModel& found = find_model(models, model);
    const ModelDescription description = found.describe();
    std::cout << model << " = " << description.type << "\n";
    MemoryTable table;
    table.add(found.plan(step), step.micro_batch);
    table.print(std::cout);
    std::cout << "parameters\n" << parameter_table(description);
  }
  if (!checkpoint.empty()) std::cout << checkpoint_text(Safetensors(find_checkpoint(checkpoint)));
  if (!mask.empty()) {
    const InspectedModel& found = find_model(models, mask);
    std::cout << mask << " = " << found.describe().type << "\n" << found.masks(seed, sorted);
  }
  if (!ranks.empty()) std::cout << ranks_text(ranks_from(ranks, condition), sorted);
}

}  // namespace arvit::program
