// SPDX-License-Identifier: BSL-1.0
// Pre-trains SemAIM on a folder of pictures. Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_semaim --data /usr/share/datasets/fashion-mnist --out out/semaim
//   pretrain_semaim --data imagenet/train --model SemAIM_B16 --preset paper --out out/semaim_b16
#include "arvit/variants/semaim.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<SemAIM_Nano, "SemAIM_Nano">, Variant<SemAIM_B16, "SemAIM_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains semantic-aware autoregressive image modelling: the order grows from the "
            "patch most similar to the class token.",
        .example = "pretrain_semaim --data /usr/share/datasets/fashion-mnist --out out/semaim",
    };
    program::pretrain<Models>(argc, argv, text, semaim_recipes);
  });
}
