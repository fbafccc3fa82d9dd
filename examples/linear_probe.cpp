// SPDX-License-Identifier: BSL-1.0
// Linear-probe accuracy of a pre-trained encoder. Without --recipe: on cached features of the layer
// and pooling that held-out training pictures choose, beside the same encoder untrained and raw
// pixels. With --recipe: as the papers train it, on augmented pictures.
//
//   linear_probe --data /usr/share/datasets/fashion-mnist --checkpoint out/semaim
//   linear_probe --data imagenet --checkpoint b16.safetensors --recipe saim
#include "arvit/core/initialise.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/eval/probe_training.hpp"
#include "arvit/run/command_line.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoint, model, method = "logistic", recipe_name, pooling = "class";
    int batch = 64, threads = 0, epochs = 0, probe_batch = 0;
    double labels = 1;
    std::uint64_t seed = 0;
    ExtractorOptions how;
    CommandLine line(
        "Trains a linear classifier on the features of a frozen encoder.\n\n"
        "Begin with:  linear_probe --data /usr/share/datasets/fashion-mnist --checkpoint "
        "CHECKPOINT");
    line.add("data", data, "pictures with classes, in a training and a test split", "Options",
             true);
    line.add("checkpoint", checkpoint,
             "file that a trainer or convert wrote, or the folder of a run", "Options", true);
    line.add("model", model, "model in the checkpoint, where it does not say");
    line.add("codebook", how.codebook,
             "of an encoder that reads codes; empty: the one that the checkpoint names");
    line.add("condition", how.condition,
             "what makes the conditions of an encoder that has some: a checkpoint or a codebook; "
             "empty: what the checkpoint names");
    line.add("mask", how.mask,
             "none, or order: the attention mask of pre-training, an order for every picture");
    line.add("method", method, "on cached features: ridge (closed form) or logistic (L-BFGS)");
    line.add("seed", seed,
             "seed of splits, of the few labels, of the augmentation and of the untrained encoder");
    line.add("batch", batch, "pictures per pass");
    line.add("threads", threads, "threads; 0: all cores");
    line.add("recipe", recipe_name, "saim, semaim or mae: train on augmented pictures instead",
             "The papers' recipes");
    line.add("pooling", pooling,
             "feature of a picture: class (token) or mean (of the patch tokens)",
             "The papers' recipes");
    line.add("epochs", epochs, "passes over the pictures; 0: the recipe's", "The papers' recipes");
    line.add("probe-batch", probe_batch, "pictures per step; 0: the recipe's",
             "The papers' recipes");
    line.add("labels", labels, "share of the training labels that is used, such as 0.01",
             "The papers' recipes");
    line.parse(argc, argv);
    if (recipe_name.empty() &&
        (labels != 1 || epochs != 0 || probe_batch != 0 || pooling != "class"))
      fail<OptionError>(
          "--labels, --epochs, --probe-batch and --pooling belong to --recipe; give saim, semaim "
          "or mae, or leave them out.");
    checkpoint = find_checkpoint(checkpoint), how.seed = seed;

    const EncoderInfo info = EncoderInfo::of(Safetensors(checkpoint), model);
    const ModelDescription description = describe_model(info.model_name);
    const AnyDataset train = open_dataset(data), test = open_dataset(data, Split::test);
    const auto parameters = load_encoder(checkpoint, description.encoder);
    Cpu<Fp32> device({threads, {}});
    if (recipe_name.empty()) {
      CompareOptions options;
      options.normalisation = info.normalisation,
      options.protocol.probe.method = probe_method_from(method), options.protocol.seed = seed,
      options.threads = threads;
      const auto encoder = make_extractor(
          device, info,
          {.batch = batch, .features = all_layers(description.depth, description.class_token)},
          how);
      std::cout << accuracy_table_text(compare_with_baselines(
          *encoder, parameters, untrained(description.encoder, seed), train, test, options));
      return;
    }
    ProbeRecipe recipe = probe_recipe_from(recipe_name);
    if (epochs != 0) recipe.epochs = epochs;
    if (probe_batch != 0) recipe.batch = probe_batch;
    const auto encoder = make_extractor(
        device, info, {.batch = batch, .features = {{readout_from(pooling)}}}, how);
    encoder->load(parameters);
    const Subset<> labelled(train, stratified_fraction(labels_of(train), labels, seed));
    const auto say = [](int epoch, double loss, double rate) {
      std::cout << "epoch " << epoch << "  loss " << loss << "  learning rate " << rate
                << std::endl;
    };
    const double share = train_probe(*encoder, labelled, test, recipe,
                                     {.seed = seed,
                                      .threads = device.threads(),
                                      .normalisation = info.normalisation,
                                      .progress = say});
    std::cout << "accuracy " << 100 * share << " % with " << labelled.size() << " labels\n";
  });
}
