// SPDX-License-Identifier: BSL-1.0
// Pre-trains MAE on a folder of pictures. Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_mae --data /usr/share/datasets/fashion-mnist --out out/mae
//   pretrain_mae --data imagenet/train --model MAE_B16 --preset paper --out out/mae_b16
#include "arvit/variants/masked.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models =
    WithExtraModels<ModelList<Variant<MAE_Nano, "MAE_Nano">, Variant<MAE_B16, "MAE_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains the masked baseline MAE: three quarters of the patches are hidden and "
            "predicted from the rest.",
        .example = "pretrain_mae --data /usr/share/datasets/fashion-mnist --out out/mae",
    };
    program::pretrain<Models>(argc, argv, text, mae_recipes);
  });
}
