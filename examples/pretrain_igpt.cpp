// SPDX-License-Identifier: BSL-1.0
// Pre-trains iGPT on a folder of pictures and a palette of 512 colours. Checkpoints and logs go to
// --out; --resume continues.
//
//   fit_codebook --data cifar10 --codes 512 --patch 1 --size 16 --out palette.safetensors
//   pretrain_igpt --data cifar10 --teacher palette.safetensors --out out/igpt
//   pretrain_igpt --data imagenet/train --teacher palette.safetensors --model iGPT_S
//       --preset paper --out out/igpt_s
#include "arvit/variants/igpt.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 16 x 16 pictures and the paper's smallest; cmake -DARVIT_MODELS="NAME" builds
// in any other of variants.hpp.
using Models =
    WithExtraModels<ModelList<Variant<iGPT_Nano, "iGPT_Nano">, Variant<iGPT_S, "iGPT_S">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains iGPT: pixels in reading order, each one of a palette of colours, predicted "
            "from those before it.",
        .example = "pretrain_igpt --data cifar10 --teacher palette.safetensors --out out/igpt",
    };
    program::pretrain<Models>(argc, argv, text, igpt_recipes);
  });
}
