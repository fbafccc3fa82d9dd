// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/maps.hpp"

#include <iostream>

#include "arvit/workbench/picture_options.hpp"

namespace arvit::program {

ARVIT_DEFINITION void maps(std::span<const MappedModel> models, int argc, char** argv) {
  PictureOptions options{.out = "maps.png"};
  int layer = 0;
  bool heads = false;
  CommandLine line(
      text("Draws the order in which a pre-trained model reads pictures, and what its "
           "class token is like and attends to.\n\nBegin with:  ",
           program_name(argv), " --checkpoint CHECKPOINT --data PICTURES --out maps.png"));
  options.add_to(line);
  line.add("layer", layer, "layer of similarity and attention; 0: the last");
  line.add("heads", heads, "the attention of every head, too");
  line.models(infos_of(models));
  line.parse(argc, argv);
  options.check();

  const EncoderInfo info = options.info();
  const MappedModel& model = find_model(models, info, options.model);
  const ModelDescription description = model.describe();
  Cpu<Fp32> device({options.threads, {}});
  const PictureBatch pictures = options.pictures(description, info);
  const std::vector<float> parameters = load_tensors(info.path, description.tensors);
  write_png(options.out, model.picture({device, info, parameters, pictures}, layer, heads));
  std::cout << options.out << ": " << info.model_name << ", " << pictures.counters.size()
            << " pictures; dark is first in the order and least elsewhere.\n";
}

}  // namespace arvit::program
