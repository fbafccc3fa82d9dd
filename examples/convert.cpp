// SPDX-License-Identifier: BSL-1.0
// Encoders to and from the names of timm, Hugging Face and the published MAE code, in safetensors
// files.
//
//   convert --to hf --checkpoint out/semaim --out vit/model.safetensors
//   convert --from mae --model MAE_B16 --checkpoint mae_vit_base.safetensors --out mae.safetensors
#include "arvit/workbench/convert.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::convert<ShippedModels>);
}
