// SPDX-License-Identifier: BSL-1.0
// Features of pictures as a NumPy array, and their labels beside it.
//
//   extract_features --checkpoint b16.safetensors --data pictures --out features.npy
//   extract_features --checkpoint b16.safetensors --data pictures --image 384 --pooling tokens --out tokens.npy
#include <algorithm>
#include <array>
#include <cmath>

#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/io/npy.hpp"
#include "arvit/run/command_line.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, images, checkpoint, model, out = "features.npy", pooling = "class",
                                                 split = "train", grid = "bicubic";
    int image = 0, layer = 0, batch = 32, threads = 0;
    bool no_norm = false;
    ExtractorOptions how;
    CommandLine line(
        "Writes one row of features per picture to an npy file.\n\n"
        "Begin with:  extract_features --checkpoint CHECKPOINT --data PICTURES --out features.npy");
    line.add("checkpoint", checkpoint,
             "file that a trainer or convert wrote, or the folder of a run", "Options", true);
    line.add("data", data,
             "pictures: a folder of JPEG and PNG files, or of Fashion-MNIST or CIFAR files");
    line.add("split", split, "part of the data: train or test");
    line.add("images", images,
             "instead of --data: npy file [pictures, 3, height, width] of normalised floats");
    line.add("out", out, "npy file to write; labels go to the same name with .labels.npy");
    line.add("model", model, "model in the checkpoint, where it does not say");
    line.add("codebook", how.codebook,
             "of an encoder that reads codes; empty: the one that the checkpoint names");
    line.add("condition", how.condition,
             "what makes the conditions of an encoder that has some: a checkpoint or a codebook; "
             "empty: what the checkpoint names");
    line.add("mask", how.mask,
             "none, or order: the attention mask of pre-training, an order for every picture");
    line.add("image", image,
             "height and width of the pictures in pixels, a multiple of the patch; 0: the model's");
    line.add("pooling", pooling,
             "class (token), mean (of the patch tokens), tokens, attention, cosine or condition");
    line.add("layer", layer, "layer to read; 0: the last");
    line.add("no-norm", no_norm, "leave out the final norm after the last layer");
    line.add(
        "positions", grid,
        "interpolation at another image size: bicubic (Hugging Face, MAE) or antialiased (timm)");
    line.add("batch", batch, "pictures per pass");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    checkpoint = find_checkpoint(checkpoint);
    if (data.empty() == images.empty()) fail<OptionError>("give either --data or --images.");
    if (!images.empty() && (image != 0 || split != "train"))
      fail<OptionError>(
          "--image and --split belong to --data; leave them out with --images, whose pictures have "
          "their size.");

    const EncoderInfo info = EncoderInfo::of(Safetensors(checkpoint), model);
    FeatureOptions options{.batch = batch,
                           .height = image,
                           .width = image,
                           .features = {{readout_from(pooling), layer, !no_norm}},
                           .positions = position_resize_from(grid)};
    xt::xarray<float> pixels;
    if (!images.empty()) {
      pixels = read_npy<float>(images);
      if (pixels.dimension() != 4 || pixels.shape(1) != 3)
        fail<FileError>(images, ": is ", shape_text(pixels.shape()),
                        ", [pictures, 3, height, width] was expected.");
      if (const auto bad = std::find_if_not(pixels.begin(), pixels.end(),
                                            [](float value) { return std::isfinite(value); });
          bad != pixels.end())
        fail<NumericError>(images, ": number ", bad - pixels.begin(), " is ", *bad,
                           "; all must be finite.");
      options.height = static_cast<int>(pixels.shape(2)),
      options.width = static_cast<int>(pixels.shape(3));
    }
    Cpu<Fp32> device({threads, {}});
    const auto encoder = make_extractor(device, info, options, how);
    encoder->load(load_encoder(checkpoint, describe_model(info.model_name).encoder));
    FeatureTable table{encoder->width(), {}, {}};
    if (!images.empty()) {
      table.values = encoder->extract(std::span<const float>(pixels.data(), pixels.size()));
    } else {
      const EvaluationTransform transform({.height = encoder->shape().height,
                                           .width = encoder->shape().width,
                                           .normalisation = info.normalisation});
      table = extract_features(*encoder, open_dataset(data, split_from(split)), transform,
                               {.threads = device.threads(), .progress = PassProgress("pictures")});
      write_npy(std::filesystem::path(out).replace_extension(".labels.npy"),
                xt::cast<std::int64_t>(xt::adapt(table.labels)));
    }
    std::vector<std::size_t> shape{table.values.size() / static_cast<std::size_t>(table.width)};
    shape.insert(shape.end(), encoder->feature_shape(0).begin(), encoder->feature_shape(0).end());
    write_npy(out, xt::adapt(table.values, shape));
    std::cout << out << ": " << shape_text(shape) << "\n";
  });
}
