// SPDX-License-Identifier: BSL-1.0
// Pre-trains ViT-iGPT on a folder of pictures. Checkpoints and logs go to --out; --resume
// continues.
//
//   pretrain_vit_igpt --data /usr/share/datasets/fashion-mnist --out out/vit_igpt
//   pretrain_vit_igpt --data imagenet/train --model ViT_iGPT_B16 --preset paper
//       --out out/vit_igpt_b16
#include "arvit/variants/vit_igpt.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<ViT_iGPT_Nano, "ViT_iGPT_Nano">, Variant<ViT_iGPT_B16, "ViT_iGPT_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains the autoregressive baseline ViT-iGPT: patches in reading order, each "
            "predicted from those before it.",
        .example = "pretrain_vit_igpt --data /usr/share/datasets/fashion-mnist --out out/vit_igpt",
    };
    program::pretrain<Models>(argc, argv, text, vit_igpt_recipes);
  });
}
