// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/convert.hpp"

#include <iostream>

#include "arvit/core/initialise.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/weights/convert.hpp"

namespace arvit::program {

ARVIT_DEFINITION void convert(std::span<const NamedModel> models, int argc, char** argv) {
  std::string to, from, checkpoint, model, out, known;
  std::vector<std::string> names;
  for (const KeyLayout& layout : key_layouts()) {
    known += text(known.empty() ? "" : ", ", layout.name);
    if (!layout.remark.empty()) known += text(" (", layout.remark, ")");
    names.emplace_back(layout.name);
  }
  bool average = false;
  CommandLine line(
      text("Writes an encoder under the names of another program, or takes one from "
           "there.\n\nBegin with:  ",
           program_name(argv), " --to timm --checkpoint CHECKPOINT --out timm.safetensors"));
  line.add("to", to, text("the names to write: ", known));
  line.add("from", from,
           text("take the encoder from --checkpoint, which has the names: ", known,
                "; or untrained: as a run with seed 0 starts"));
  line.add("checkpoint", checkpoint, "file to read");
  line.add("out", out, "safetensors file to write", "Options", true);
  line.add("model", model, "model in the checkpoint, where it does not say; always with --from");
  line.add("average", average, "write the average of the parameters that a run with --ema kept");
  line.offer("to", names);
  names.emplace_back("untrained");
  line.offer("from", names);
  line.models(infos_of(models));
  line.parse(argc, argv);
  if (to.empty() == from.empty()) fail<OptionError>("give either --to or --from.");
  if (!from.empty() && model.empty())
    fail<OptionError>("--model is missing, which --from needs; --help explains it.");
  if (average && to.empty()) fail<OptionError>("--average belongs to --to; leave it out.");

  if (from == "untrained") {
    const ModelDescription description = find_model(models, model).describe();
    save_encoder(out, model, description, untrained(description.tensors, 0),
                 Normalisation::imagenet());
    return;
  }
  if (checkpoint.empty()) fail<OptionError>("--checkpoint is missing; --help explains it.");
  const Safetensors file(find_checkpoint(checkpoint));
  const EncoderInfo info = EncoderInfo::of(file, model);
  const ModelDescription description = find_model(models, info, model).describe();
  if (!to.empty()) {
    const KeyLayout& layout = key_layout_from(to);
    export_model(
        out, layout, description,
        load_tensors(info.path, description.tensors, average ? Take::average : Take::parameters));
    if (const std::string more = left_unsaid(layout, description); !more.empty())
      std::cout << out << ": " << more << "\n";
  } else {
    const KeyLayout& layout = key_layout_from(from);
    const bool whole = layout.has_decoder() && description.joint &&
                       file.find("mask_token") != nullptr;
    save_encoder(out, info.model_name, description,
                 import_model(info.path, layout, description, whole), info.normalisation);
  }
  std::cout << out << ": " << info.model_name << "\n";
}

}  // namespace arvit::program
