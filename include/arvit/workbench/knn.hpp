// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// k-nearest-neighbour accuracy of a pre-trained encoder, as SemAIM and DINO measure it: nothing is
/// trained.
void knn(std::span<const EncoderModel> models, int argc, char** argv);
template <class Models> void knn(int argc, char** argv) {
  knn(models_of<EncoderModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/knn.ipp"
#endif
