// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/linkage.hpp"
#include "arvit/workbench/filling_model.hpp"

namespace arvit::program {

/// The same masked pictures filled in by several models: MAE in one pass, GVP and SAIM group by
/// group, ViT-iGPT patch by patch. A PNG of pictures side by side, a table of PSNR and SSIM, and
/// the table as JSON.
void compare_reconstructions(std::span<const FillingModel> models, int argc, char** argv);
template <class Models> void compare_reconstructions(int argc, char** argv) {
  compare_reconstructions(models_of<FillingModel>(Models{}), argc, argv);
}

}  // namespace arvit::program

#if !defined(ARVIT_COMPILED)
#include "arvit/workbench/impl/compare_reconstructions.ipp"
#endif
