// SPDX-License-Identifier: BSL-1.0
// Encoders to and from the names of timm, Hugging Face and the published MAE code, in safetensors files.
//
//   convert --to hf --checkpoint out/semaim/step-4680.safetensors --out vit/model.safetensors
//   convert --from mae --model MAE_B16 --checkpoint mae_pretrain_vit_base.safetensors --out mae_b16.safetensors
#include "arvit/eval/convert.hpp"
#include "arvit/train/options.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string to, from, checkpoint, model, out;
    bool average = false;
    CommandLine line("Writes an encoder under the names of another program, or takes one from there.\n\n"
                     "Begin with:  convert --to timm --checkpoint CHECKPOINT --out timm.safetensors");
    line.add("to", to, "timm, hf (Hugging Face, with a config.json beside the file) or mae (with the decoder of an MAE)");
    line.add("from", from, "timm, hf or mae: take the encoder from --checkpoint (mae: with its decoder where there is one)");
    line.add("checkpoint", checkpoint, "file to read", "Options", true);
    line.add("out", out, "safetensors file to write", "Options", true);
    line.add("model", model, "model in the checkpoint, where it does not say; always with --from");
    line.add("average", average, "write the average of the parameters that a run with --ema kept");
    line.parse(argc, argv);
    if (to.empty() == from.empty()) fail<OptionError>("give either --to or --from.");

    const Safetensors file(checkpoint);
    const PretrainedInfo info = PretrainedInfo::of(file, model);
    select_model(info.model_name, PretrainedModels{}, [&]<class Model>() {
      if (!to.empty()) {
        export_model<Model>(out, naming_from(to), load_model<Model>(checkpoint, average ? Take::average : Take::parameters));
      } else {
        const Naming naming = naming_from(from);
        const bool whole = naming == Naming::mae && file.find("mask_token") != nullptr;
        save_pretrained<Model>(out, info.model_name, import_model<Model>(checkpoint, naming, whole), info.normalisation);
      }
      std::cout << out << ": " << info.model_name << "\n";
    });
  });
}
