// SPDX-License-Identifier: BSL-1.0
// Looks into models, checkpoints and masks.
//
//   inspect --model SAIM_B16                     memory plan and parameters
//   inspect --checkpoint FILE_OR_FOLDER          what a checkpoint says of itself
//   inspect --mask SAIM_B16                      who reads whom, on a small grid
//   inspect --ranks 0,0,2,0,1,1,2                the masks of given ranks (GVP, matrix 19)
#include "arvit/show/inspect.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/memory.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string model, checkpoint, mask, ranks;
    int condition = 0;
    bool sorted = false, average = false;
    StepOptions step{.micro_batch = 64};
    std::uint64_t seed = 0;
    CommandLine line(
        "Prints what a model needs and holds, what a checkpoint says of itself, and who reads "
        "whom.\n\n"
        "Begin with:  inspect --model SAIM_B16    or    inspect --ranks 0,0,2,0,1,1,2");
    line.add("model", model, "print memory plan and parameters of this model");
    line.add("micro-batch", step.micro_batch,
             "images that are trained at once, for the memory plan");
    line.add("recompute", step.recompute, "plan for a step that keeps only the inputs of blocks");
    line.add("average", average, "the plan includes an average of the parameters (--ema)");
    line.add("checkpoint", checkpoint,
             "print the metadata of this file, or of the newest in the folder of a run");
    line.add("mask", mask, "print the masks of this model on a small grid");
    line.add("seed", seed, "seed of the order, for --mask");
    line.add("ranks", ranks, "print the masks of tokens with these ranks, separated by commas");
    line.add("condition", condition, "condition tokens before --ranks, of rank 0");
    line.add("sorted", sorted, "masks with tokens sorted by rank, instead of in reading order");
    line.parse(argc, argv);
    if (model.empty() && checkpoint.empty() && mask.empty() && ranks.empty())
      fail<OptionError>("nothing to inspect; give --model, --checkpoint, --mask or --ranks.");
    if (step.micro_batch < 1)
      fail<OptionError>("--micro-batch is ", step.micro_batch, "; it must be at least 1.");

    step.average = average;
    if (!model.empty()) {
      select_model(model, PretrainedModels{}, [&]<class Model>() {
        std::cout << model << " = " << type_name<Model>() << "\n";
        MemoryTable table;
        table.add(Step<Model, Cpu<Fp32>>::plan(step), step.micro_batch);
        table.print(std::cout);
        std::cout << "parameters\n" << parameter_table(describe_model<Model>());
      });
    }
    if (!checkpoint.empty()) std::cout << checkpoint_text(Safetensors(find_checkpoint(checkpoint)));
    if (!mask.empty())
      select_model(mask, PretrainedModels{}, [&]<class Model>() {
        std::cout << mask << " = " << type_name<Model>() << "\n"
                  << model_masks_text<Model>(seed, sorted);
      });
    if (!ranks.empty()) std::cout << ranks_text(ranks_from(ranks, condition), sorted);
  });
}
