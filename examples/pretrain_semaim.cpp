// SPDX-License-Identifier: BSL-1.0
// Pre-trains SemAIM on a folder of pictures. Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_semaim --data /usr/share/datasets/fashion-mnist --out out/semaim
//   pretrain_semaim --data imagenet/train --model SemAIM_B16 --preset paper --out out/semaim_b16
#include "arvit/run/command_line.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/variants.hpp"
#include "arvit/variants/model_list.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<SemAIM_Nano, "SemAIM_Nano">, Variant<SemAIM_B16, "SemAIM_B16">>>::type;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText program{
        .description =
            "Pre-trains semantic-aware autoregressive image modelling: the order grows from the "
            "patch most similar to the class token.",
        .example = "pretrain_semaim --data /usr/share/datasets/fashion-mnist --out out/semaim",
        .default_model = "SemAIM_Nano",
    };
    const RunOptions options = parse_run_options(argc, argv, program, semaim_recipes);
    select_model(options.model, Models{}, [&]<class Model>() { pretrain<Model>(options); });
  });
}
