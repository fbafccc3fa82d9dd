// SPDX-License-Identifier: BSL-1.0
// Pre-trains GVP (pixels to pixels) on a folder of pictures. Checkpoints and logs go to --out;
// --resume continues.
//
//   pretrain_gvp_p2p --data /usr/share/datasets/fashion-mnist --out out/gvp
//   pretrain_gvp_p2p --data imagenet/train --model GVP_p2p_B16 --preset paper --out out/gvp_b16
#include "arvit/run/command_line.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/variants.hpp"
#include "arvit/variants/model_list.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<ModelList<Variant<GVP_p2p_Nano, "GVP_p2p_Nano">,
                                         Variant<GVP_p2p_Nano_y_extra, "GVP_p2p_Nano_y_extra">,
                                         Variant<GVP_p2p_B16, "GVP_p2p_B16">>>::type;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText program{
        .description =
            "Pre-trains GVP: groups of patches of random length, in random order, each predicted "
            "from those before it.",
        .example = "pretrain_gvp_p2p --data /usr/share/datasets/fashion-mnist --out out/gvp",
        .default_model = "GVP_p2p_Nano",
    };
    const RunOptions options = parse_run_options(argc, argv, program, gvp_recipes);
    select_model(options.model, Models{}, [&]<class Model>() { pretrain<Model>(options); });
  });
}
