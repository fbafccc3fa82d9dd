// SPDX-License-Identifier: BSL-1.0
// What a pre-trained model predicts: picture, masked or ordered view, target and predicted patches,
// in one PNG file.
//
//   reconstruct --checkpoint out/semaim --data /usr/share/datasets/fashion-mnist --out reconstruct.png
#include "arvit/show/reconstruct.hpp"

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoint, model_name, out = "reconstruct.png", split = "train";
    int images = 6, threads = 0;
    std::uint64_t seed = 0;
    CommandLine line(
        "Draws what a pre-trained model predicts of some pictures.\n\n"
        "Begin with:  reconstruct --checkpoint CHECKPOINT --data PICTURES --out reconstruct.png");
    line.add("checkpoint", checkpoint, "file that a trainer wrote, or the folder of a run",
             "Options", true);
    line.add("data", data,
             "pictures: a folder of JPEG and PNG files, or of Fashion-MNIST or CIFAR files",
             "Options", true);
    line.add("model", model_name, "model in the checkpoint, where it does not say");
    line.add("split", split, "part of the data: train or test");
    line.add("out", out, "PNG file to write");
    line.add("images", images, "number of pictures");
    line.add("seed", seed, "which pictures, and their orders");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    checkpoint = find_checkpoint(checkpoint);
    if (images < 1 || images > 1024)
      fail<OptionError>("--images is ", images, "; choose 1 to 1024.");

    const EncoderInfo info = EncoderInfo::of(Safetensors(checkpoint), model_name);
    select_model(info.model_name, PretrainedModels{}, [&]<class Model>() {
      if constexpr (Model::given_width > 0) {
        fail<OptionError>(checkpoint, ": ", info.model_name,
                          " predicts features or codes of a teacher, or has conditions; choose a "
                          "model that predicts pixels from pixels alone.");
      } else {
        Cpu<Fp32> device({threads, {}});
        PatchPredictor<Model, Cpu<Fp32>> model(device, images);
        model.load(load_tensors(checkpoint, placed_tensors(Model::groups())));
        const EvaluationTransform transform({.height = Model::Grid::height,
                                             .width = Model::Grid::width,
                                             .normalisation = info.normalisation});
        const PictureBatch batch = draw_pictures(open_dataset(data, split_from(split)), transform,
                                                 images, seed);
        write_png(out, reconstruction_picture<Model>(
                           reconstruct(model, batch.images, batch.counters), info.normalisation));
        std::cout << out << ": " << info.model_name << ", " << batch.counters.size()
                  << " pictures; " << reconstruction_note<Model>() << ".\n";
      }
    });
  });
}
