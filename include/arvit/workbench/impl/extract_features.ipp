// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/extract_features.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "arvit/data/open_dataset.hpp"
#include "arvit/eval/extract.hpp"
#include "arvit/io/npy.hpp"
#include "arvit/workbench/encoder_options.hpp"

namespace arvit::program {

namespace detail {
struct ExtractCommand {
  std::string data, images, out = "features.npy", pooling = "class", split = "train",
                            grid = "bicubic";
  int image = 0;
  int layer = 0;
  bool no_norm = false;
  EncoderOptions of_encoder{.batch = 32};
};

ARVIT_DEFINITION ExtractCommand parse_extract(std::span<const EncoderModel> models, int argc,
                                              char** argv) {
  ExtractCommand command;
  CommandLine line(text(
      "Writes one row of features per picture to an npy file.\n\nBegin with:  ", program_name(argv),
      " --checkpoint CHECKPOINT --data PICTURES --out features.npy"));
  command.of_encoder.add_to(line);
  line.add("data", command.data, help_of_pictures());
  line.add("split", command.split, "part of the data: train or test");
  line.add("images", command.images,
           "instead of --data: npy file [pictures, 3, height, width] of normalised floats");
  line.add("out", command.out, "npy file to write; labels go to the same name with .labels.npy");
  line.add("image", command.image,
           "height and width of the pictures in pixels, a multiple of the patch; 0: the model's");
  line.add("pooling", command.pooling,
           "class (token), mean (of the patch tokens), tokens, attention, cosine or condition");
  line.add("layer", command.layer, "layer to read; 0: the last");
  line.add("no-norm", command.no_norm, "leave out the final norm after the last layer");
  line.add(
      "positions", command.grid,
      "interpolation at another image size: bicubic (Hugging Face, MAE) or antialiased (timm)");
  line.offer("split", {"train", "test"});
  line.offer("pooling", {"class", "mean", "tokens", "attention", "cosine", "condition"});
  line.offer("positions", {"bicubic", "antialiased"});
  line.models(infos_of(models));
  line.parse(argc, argv);
  if (command.data.empty() == command.images.empty())
    fail<OptionError>("give either --data or --images.");
  if (!command.images.empty() && (command.image != 0 || command.split != "train"))
    fail<OptionError>(
        "--image and --split belong to --data; leave them out with --images, whose pictures have "
        "their size.");
  return command;
}

/// Pictures [count, 3, height, width] of a file; all numbers are finite.
ARVIT_DEFINITION xt::xarray<float> read_pixels(const std::string& file) {
  xt::xarray<float> pixels = read_npy<float>(file);
  if (pixels.dimension() != 4 || pixels.shape(1) != 3)
    fail<FileError>(file, ": is ", shape_text(pixels.shape()),
                    ", [pictures, 3, height, width] was expected.");
  const auto bad = std::find_if_not(pixels.begin(), pixels.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad != pixels.end())
    fail<NumericError>(file, ": number ", bad - pixels.begin(), " is ", *bad,
                       "; all must be finite.");
  return pixels;
}
}  // namespace detail

ARVIT_DEFINITION void extract_features(std::span<const EncoderModel> models, int argc,
                                       char** argv) {
  const detail::ExtractCommand command = detail::parse_extract(models, argc, argv);
  const OpenedEncoder opened(models, command.of_encoder);
  FeatureOptions what{
      .height = command.image,
      .width = command.image,
      .features = {{readout_from(command.pooling), command.layer, !command.no_norm}},
      .positions = position_resize_from(command.grid)};
  xt::xarray<float> pixels;
  if (!command.images.empty()) {
    pixels = detail::read_pixels(command.images);
    what.height = static_cast<int>(pixels.shape(2));
    what.width = static_cast<int>(pixels.shape(3));
  }
  Cpu<Fp32> device({command.of_encoder.threads, {}});
  const auto encoder = opened.extractor(device, what);
  encoder->load(opened.parameters());
  FeatureTable table{encoder->width(), {}, {}};
  if (!command.images.empty()) {
    table.values = encoder->extract(std::span<const float>(pixels.data(), pixels.size()));
  } else {
    const EvaluationTransform transform({.height = encoder->shape().height,
                                         .width = encoder->shape().width,
                                         .normalisation = opened.info.normalisation});
    table = arvit::extract_features(
        *encoder, open_dataset(command.data, split_from(command.split)), transform,
        {.threads = device.threads(), .progress = PassProgress("pictures")});
    write_npy(std::filesystem::path(command.out).replace_extension(".labels.npy"),
              xt::cast<std::int64_t>(xt::adapt(table.labels)));
  }
  std::vector<std::size_t> shape{table.values.size() / static_cast<std::size_t>(table.width)};
  shape.insert(shape.end(), encoder->feature_shape(0).begin(), encoder->feature_shape(0).end());
  write_npy(command.out, xt::adapt(table.values, shape));
  std::cout << command.out << ": " << shape_text(shape) << "\n";
}

}  // namespace arvit::program
