// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/run/pretrain.hpp"
#include "arvit/variants/model_list.hpp"

namespace arvit::program {

/// Every paper's recipes, each under its paper's name: "saim-paper". The first is for a first look.
std::span<const Recipe> recipes_of_all();

/// Pre-trains the model of the list that --model names, the first unless told otherwise, on a
/// folder of pictures. Checkpoints and logs go to --out; --resume continues.
template <class Models>
void pretrain(int argc, char** argv, ProgramText program, std::span<const Recipe> recipes) {
  program.models = Models::infos();
  if (program.default_model.empty()) program.default_model = program.models.front().name;
  const RunOptions options = parse_run_options(argc, argv, program, recipes);
  select_model(options.model, Models{}, [&]<class Model>() {
    if (!arvit::pretrain<Model>(options).complete) throw Stopped{};
  });
}

/// The same for a list of models of whatever kind.
template <class Models> void pretrain(int argc, char** argv) {
  const std::string example = program_name(argv) + " --data PICTURES --out out/run";
  pretrain<Models>(argc, argv, {"Pre-trains a model on pictures.", example, {}}, recipes_of_all());
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/pretrain.ipp"
#endif
