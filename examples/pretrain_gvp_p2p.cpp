// SPDX-License-Identifier: BSL-1.0
// Pre-trains GVP (pixels to pixels) on a folder of pictures. Checkpoints and logs go to --out;
// --resume continues.
//
//   pretrain_gvp_p2p --data /usr/share/datasets/fashion-mnist --out out/gvp
//   pretrain_gvp_p2p --data imagenet/train --model GVP_p2p_B16 --preset paper --out out/gvp_b16
#include "arvit/variants/gvp.hpp"
#include "arvit/workbench/extra_models.hpp"
#include "arvit/workbench/pretrain.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<ModelList<Variant<GVP_p2p_Nano, "GVP_p2p_Nano">,
                                         Variant<GVP_p2p_Nano_y_extra, "GVP_p2p_Nano_y_extra">,
                                         Variant<GVP_p2p_B16, "GVP_p2p_B16">>>;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText text{
        .description =
            "Pre-trains GVP: groups of patches of random length, in random order, each predicted "
            "from those before it.",
        .example = "pretrain_gvp_p2p --data /usr/share/datasets/fashion-mnist --out out/gvp",
    };
    program::pretrain<Models>(argc, argv, text, gvp_recipes);
  });
}
