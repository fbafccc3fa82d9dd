// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// Features of pictures as a NumPy array, and their labels beside it.
void extract_features(std::span<const EncoderModel> models, int argc, char** argv);
template <class Models> void extract_features(int argc, char** argv) {
  extract_features(models_of<EncoderModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/extract_features.ipp"
#endif
