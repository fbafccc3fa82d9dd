// SPDX-License-Identifier: BSL-1.0
// Pre-trains SAIM on a folder of pictures. Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_saim --data /usr/share/datasets/fashion-mnist --out out/saim
//   pretrain_saim --data imagenet/train --model SAIM_B16 --preset paper --out out/saim_b16
#include "arvit/variants/saim.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models =
    WithExtraModels<ModelList<Variant<SAIM_Nano, "SAIM_Nano">, Variant<SAIM_B16, "SAIM_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains stochastic autoregressive image modelling: patches are predicted in a "
            "random order, from blurred pictures.",
        .example = "pretrain_saim --data /usr/share/datasets/fashion-mnist --out out/saim",
    };
    program::pretrain<Models>(argc, argv, text, saim_recipes);
  });
}
