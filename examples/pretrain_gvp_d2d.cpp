// SPDX-License-Identifier: BSL-1.0
// Pre-trains GVP (codes to codes) on a folder of pictures and a codebook, or codes in an npy file.
// Checkpoints and logs go to --out; --resume continues.
//
//   fit_codebook --data /usr/share/datasets/fashion-mnist --codes 512 --patch 4 --size 28
//       --out codebook.safetensors
//   pretrain_gvp_d2d --data /usr/share/datasets/fashion-mnist --teacher codebook.safetensors
//       --out out/gvp
//   pretrain_gvp_d2d --data pictures --model GVP_d2d_B16 --teacher codes.npy --whole-picture
//       --out out/gvp_b16
#include "arvit/variants/gvp.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<GVP_d2d_Nano, "GVP_d2d_Nano">, Variant<GVP_d2d_B16, "GVP_d2d_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains GVP on codes: groups of patches of random length, in random order; the "
            "tokenizer's codes are read, and those of each group predicted from those before it.",
        .example =
            "pretrain_gvp_d2d --data /usr/share/datasets/fashion-mnist --teacher "
            "codebook.safetensors --out out/gvp",
    };
    program::pretrain<Models>(argc, argv, text, gvp_recipes);
  });
}
