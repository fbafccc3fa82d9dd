// SPDX-License-Identifier: BSL-1.0
// k-nearest-neighbour accuracy of a pre-trained encoder, as SemAIM and DINO measure it: nothing is
// trained.
//
//   knn --data /usr/share/datasets/fashion-mnist --checkpoint out/semaim
#include "arvit/eval/knn.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoint, model, pooling = "class";
    int layer = 0, batch = 64, threads = 0;
    KnnOptions options;
    ExtractorOptions how;
    CommandLine line(
        "Classifies the test pictures of a data set by the labels of the most similar training "
        "pictures.\n\n"
        "Begin with:  knn --data /usr/share/datasets/fashion-mnist --checkpoint CHECKPOINT");
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
    line.add("pooling", pooling,
             "feature of a picture: class (token) or mean (of the patch tokens)");
    line.add("layer", layer, "layer the feature is read from; 0: the last, with the final norm");
    line.add("temperature", options.temperature, "of the votes exp(similarity / temperature)");
    line.add("batch", batch, "pictures per pass");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    checkpoint = find_checkpoint(checkpoint);

    const EncoderInfo info = EncoderInfo::of(Safetensors(checkpoint), model);
    Cpu<Fp32> device({threads, {}});
    const auto encoder = make_extractor(
        device, info, {.batch = batch, .features = {{readout_from(pooling), layer}}}, how);
    encoder->load(load_encoder(checkpoint, describe_model(info.model_name).encoder));
    const EvaluationTransform transform({.height = encoder->shape().height,
                                         .width = encoder->shape().width,
                                         .normalisation = info.normalisation});
    const AnyDataset bank = open_dataset(data), questions = open_dataset(data, Split::test);
    const FeatureTable train = extract_features(
        *encoder, bank, transform,
        {.threads = device.threads(), .progress = PassProgress("training pictures")});
    const FeatureTable test = extract_features(
        *encoder, questions, transform,
        {.threads = device.threads(), .progress = PassProgress("test pictures")});
    const auto shares = knn(device, train, test, options);
    for (std::size_t i = 0; i < shares.size(); ++i)
      std::cout << "k = " << options.neighbours[i] << "  accuracy " << 100 * shares[i] << " %\n";
  });
}
