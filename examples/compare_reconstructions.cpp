// SPDX-License-Identifier: BSL-1.0
// The same masked pictures filled in by several models: MAE in one pass, GVP and SAIM group by
// group, ViT-iGPT patch by patch. A PNG of pictures side by side, a table of PSNR and SSIM, and the
// table as JSON.
//
//   compare_reconstructions --checkpoints out/mae,out/saim --data pictures --out compare.png
#include "arvit/workbench/compare_reconstructions.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::compare_reconstructions<ShippedModels>);
}
