// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/reconstruct.hpp"

#include <iostream>

#include "arvit/workbench/picture_options.hpp"

namespace arvit::program {

ARVIT_DEFINITION void reconstruct(std::span<const ReconstructingModel> models, int argc,
                                  char** argv) {
  PictureOptions options{.out = "reconstruct.png"};
  CommandLine line(
      text("Draws what a pre-trained model predicts of some pictures.\n\nBegin with:  ",
           program_name(argv), " --checkpoint CHECKPOINT --data PICTURES --out reconstruct.png"));
  options.add_to(line);
  line.models(infos_of(models));
  line.parse(argc, argv);
  options.check();

  const EncoderInfo info = options.info();
  const ReconstructingModel& model = find_model(models, info, options.model);
  if (model.picture == nullptr)
    fail<OptionError>(info.path, ": ", info.model_name,
                      " does not predict pixels from pixels alone, so there is nothing to see; "
                      "choose a model that does.");
  const ModelDescription description = model.describe();
  Cpu<Fp32> device({options.threads, {}});
  const std::vector<float> parameters = load_tensors(info.path, description.tensors);
  const PictureBatch pictures = options.pictures(description, info);
  write_png(options.out, model.picture({device, info, parameters, pictures}));
  std::cout << options.out << ": " << info.model_name << ", " << pictures.counters.size()
            << " pictures; " << model.note() << ".\n";
}

}  // namespace arvit::program
