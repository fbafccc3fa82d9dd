// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/run/program.hpp"  // IWYU pragma: export

namespace arvit::program {

/// A codebook by k-means: a palette of colours (--patch 1), or patches. Prints one JSON line. Needs
/// no model.
void fit_codebook(int argc, char** argv);

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/fit_codebook.ipp"
#endif
