// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// Encoders to and from the names of timm, Hugging Face and the published MAE code, in safetensors
/// files.
void convert(std::span<const NamedModel> models, int argc, char** argv);
template <class Models> void convert(int argc, char** argv) {
  convert(models_of<NamedModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/convert.ipp"
#endif
