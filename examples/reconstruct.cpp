// SPDX-License-Identifier: BSL-1.0
// What a pre-trained model predicts: picture, masked or ordered view, target and predicted patches,
// in one PNG file.
//
//   reconstruct --checkpoint out/semaim --data /usr/share/datasets/fashion-mnist
//       --out reconstruct.png
#include "arvit/workbench/reconstruct.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::reconstruct<ShippedModels>);
}
