// SPDX-License-Identifier: BSL-1.0
// Order, similarity and attention maps of a pre-trained model over some pictures, in one PNG file.
//
//   maps --checkpoint out/semaim --data /usr/share/datasets/fashion-mnist --out maps.png
#include "arvit/show/maps.hpp"

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoint, model_name, out = "maps.png", split = "train";
    int images = 6, layer = 0, threads = 0;
    bool heads = false;
    std::uint64_t seed = 0;
    CommandLine line(
        "Draws the order in which a pre-trained model reads pictures, and what its class token is "
        "like and attends to.\n\n"
        "Begin with:  maps --checkpoint CHECKPOINT --data PICTURES --out maps.png");
    line.add("checkpoint", checkpoint, "file that a trainer wrote, or the folder of a run",
             "Options", true);
    line.add("data", data,
             "pictures: a folder of JPEG and PNG files, or of Fashion-MNIST or CIFAR files",
             "Options", true);
    line.add("model", model_name, "model in the checkpoint, where it does not say");
    line.add("split", split, "part of the data: train or test");
    line.add("out", out, "PNG file to write");
    line.add("images", images, "number of pictures");
    line.add("layer", layer, "layer of similarity and attention; 0: the last");
    line.add("heads", heads, "the attention of every head, too");
    line.add("seed", seed, "which pictures, and their orders");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    checkpoint = find_checkpoint(checkpoint);
    if (images < 1 || images > 1024)
      fail<OptionError>("--images is ", images, "; choose 1 to 1024.");

    const EncoderInfo info = EncoderInfo::of(Safetensors(checkpoint), model_name);
    select_model(info.model_name, PretrainedModels{}, [&]<class Model>() {
      Cpu<Fp32> device({threads, {}});
      const EvaluationTransform transform({.height = Model::Grid::height,
                                           .width = Model::Grid::width,
                                           .normalisation = info.normalisation});
      const PictureBatch batch = draw_pictures(open_dataset(data, split_from(split)), transform,
                                               images, seed);
      const auto maps = patch_maps<Model>(device,
                                          load_tensors(checkpoint, placed_tensors(Model::groups())),
                                          batch.images, batch.counters, layer);
      write_png(out, maps_picture<Model>(batch.images, maps, info.normalisation, heads));
      std::cout << out << ": " << info.model_name << ", " << batch.counters.size()
                << " pictures; dark is first in the order and least elsewhere.\n";
    });
  });
}
