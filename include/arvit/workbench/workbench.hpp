// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/run/program.hpp"
#include "arvit/workbench/compare_reconstructions.hpp"
#include "arvit/workbench/convert.hpp"
#include "arvit/workbench/extract_features.hpp"
#include "arvit/workbench/fit_codebook.hpp"
#include "arvit/workbench/inspect.hpp"
#include "arvit/workbench/knn.hpp"
#include "arvit/workbench/linear_probe.hpp"
#include "arvit/workbench/maps.hpp"
#include "arvit/workbench/pretrain.hpp"
#include "arvit/workbench/reconstruct.hpp"
#include "arvit/workbench/sample.hpp"

namespace arvit {

namespace program {

/// A program as a part of another: `mine knn --data ...`.
struct Command {
  std::string_view name, does;
  void (*run)(int argc, char** argv);
};

/// Runs the command that argv[1] names, with the rest of the command line.
void run_command(std::span<const Command> commands, const std::vector<VariantInfo>& models,
                 int argc, char** argv);

}  // namespace program

/// All programs for the models of a list, as commands of one: the main of a program of one's own.
///
///   int main(int argc, char** argv) {
///     return arvit::workbench<arvit::ModelList<arvit::Variant<Mine, "Mine">>>(argc, argv);
///   }
template <class Models> int workbench(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    using namespace program;
    const std::array commands{
        Command{"pretrain", "pre-trains a model on pictures", &pretrain<Models>},
        Command{"knn", "measures an encoder by its nearest neighbours", &knn<Models>},
        Command{"linear_probe", "measures an encoder by a linear classifier",
                &linear_probe<Models>},
        Command{"extract_features", "writes features of pictures", &extract_features<Models>},
        Command{"reconstruct", "draws what a model predicts", &reconstruct<Models>},
        Command{"maps", "draws order, similarity and attention", &maps<Models>},
        Command{"sample", "draws pictures that a model makes up or completes", &sample<Models>},
        Command{"compare_reconstructions", "measures how several models fill in masked pictures",
                &compare_reconstructions<Models>},
        Command{"inspect", "prints parameters, memory, masks, and what a checkpoint holds",
                &inspect<Models>},
        Command{"convert", "takes encoders to and from other programs", &convert<Models>},
        Command{"fit_codebook", "makes a codebook of pictures", &fit_codebook},
    };
    run_command(commands, Models::infos(), argc, argv);
  });
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/workbench.ipp"
#endif
