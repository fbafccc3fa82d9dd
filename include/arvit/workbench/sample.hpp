// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/filling_model.hpp"

namespace arvit::program {

/// Pictures that a model makes up: from nothing, pixel after pixel (iGPT) or group after group
/// (GVP), or below the given upper part of real ones.
void sample(std::span<const FillingModel> models, int argc, char** argv);
template <class Models> void sample(int argc, char** argv) {
  sample(models_of<FillingModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/sample.ipp"
#endif
