// SPDX-License-Identifier: BSL-1.0
// Pre-trains a vision transformer on random segments, RandSAC's order, on a folder of pictures.
// Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_randsac --data /usr/share/datasets/fashion-mnist --out out/randsac
//   pretrain_randsac --data imagenet/train --model RandSAC_B16 --preset paper --out out/randsac_b16
#include "arvit/variants/randsac.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 32 x 32 pictures and the papers' size; cmake -DARVIT_MODELS="NAME" builds in
// any other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<RandSAC_Nano, "RandSAC_Nano">, Variant<RandSAC_B16, "RandSAC_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains on RandSAC's order with SAIM's decoder: segments of 2 x 2 patches in "
            "random order, each predicted at once from those before it.",
        .example = "pretrain_randsac --data /usr/share/datasets/fashion-mnist --out out/randsac",
    };
    program::pretrain<Models>(argc, argv, text, randsac_recipes);
  });
}
