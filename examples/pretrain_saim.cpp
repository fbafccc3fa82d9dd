// SPDX-License-Identifier: BSL-1.0
// Pre-trains SAIM on a folder of pictures. Checkpoints and logs go to --out; --resume continues.
//
//   pretrain_saim --data /usr/share/datasets/fashion-mnist --out out/saim
//   pretrain_saim --data imagenet/train --model SAIM_B16 --preset paper --out out/saim_b16
#include "arvit/run/command_line.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/variants.hpp"
#include "arvit/variants/model_list.hpp"

using namespace arvit;

// A small model for 28 x 28 pictures and the paper's; cmake -DARVIT_MODELS="NAME" builds in any
// other of variants.hpp.
using Models = WithExtraModels<
    ModelList<Variant<SAIM_Nano, "SAIM_Nano">, Variant<SAIM_B16, "SAIM_B16">>>::type;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    const ProgramText program{
        .description =
            "Pre-trains stochastic autoregressive image modelling: patches are predicted in a "
            "random order, from blurred pictures.",
        .example = "pretrain_saim --data /usr/share/datasets/fashion-mnist --out out/saim",
        .default_model = "SAIM_Nano",
    };
    const RunOptions options = parse_run_options(argc, argv, program, saim_recipes);
    select_model(options.model, Models{}, [&]<class Model>() { pretrain<Model>(options); });
  });
}
