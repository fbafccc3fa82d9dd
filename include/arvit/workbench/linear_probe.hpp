// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// Linear-probe accuracy of a pre-trained encoder. Without --recipe: on cached features of the
/// layer and pooling that held-out training pictures choose, beside the same encoder untrained and
/// raw pixels. With --recipe: as the papers train it, on augmented pictures.
void linear_probe(std::span<const EncoderModel> models, int argc, char** argv);
template <class Models> void linear_probe(int argc, char** argv) {
  linear_probe(models_of<EncoderModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/linear_probe.ipp"
#endif
