// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>

#include "arvit/data/open_dataset.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// The options of a program that draws a checkpoint's view of some pictures into one PNG file.
struct PictureOptions {
  std::string checkpoint = {}, data = {}, model = {}, split = "train", out = {};
  int images = 6;
  int threads = 0;
  std::uint64_t seed = 0;

  void add_to(CommandLine& line) {
    line.add("checkpoint", checkpoint, "file that a trainer wrote, or the folder of a run",
             "Options", true);
    line.add("data", data, help_of_pictures(), "Options", true);
    line.add("model", model, "model in the checkpoint, where it does not say");
    line.add("split", split, "part of the data: train or test");
    line.add("out", out, "PNG file to write");
    line.add("images", images, "number of pictures");
    line.add("seed", seed, "which pictures, and their orders");
    line.add("threads", threads, "threads; 0: all cores");
    line.offer("split", {"train", "test"});
  }
  void check() const {
    if (images < 1 || images > 1024)
      fail<OptionError>("--images is ", images, "; choose 1 to 1024.");
  }
  EncoderInfo info() const {
    return EncoderInfo::of(Safetensors(find_checkpoint(checkpoint)), model);
  }
  PictureBatch pictures(const ModelDescription& description, const EncoderInfo& info) const {
    return draw_pictures(open_dataset(data, split_from(split)),
                         transform_of(description, info.normalisation), images, seed);
  }
};

}  // namespace arvit::program
