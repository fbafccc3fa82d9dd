// SPDX-License-Identifier: BSL-1.0
// Pre-trains D-iGPT on a folder of pictures and the features of a teacher: an encoder that another
// program pre-trained, or an npy file of features. Checkpoints and logs go to --out; --resume
// continues.
//
//   pretrain_randsac --data cifar10 --out out/teacher
//   pretrain_digpt --data cifar10 --teacher out/teacher --out out/digpt
//   pretrain_digpt --data pictures --model DiGPT_B16 --teacher openclip_h14.npy --whole-picture
//       --out out/digpt_b16
#include "arvit/variants/digpt.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 32 x 32 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models =
    WithExtraModels<ModelList<Variant<DiGPT_Nano, "DiGPT_Nano">, Variant<DiGPT_B16, "DiGPT_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains D-iGPT: clusters of patches in random order; one decoder predicts the next "
            "cluster's features, the other those of the clusters seen.",
        .example = "pretrain_digpt --data cifar10 --teacher out/teacher --out out/digpt",
    };
    program::pretrain<Models>(argc, argv, text, digpt_recipes);
  });
}
