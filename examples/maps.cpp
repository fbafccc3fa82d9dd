// SPDX-License-Identifier: BSL-1.0
// Order, similarity and attention maps of a pre-trained model over some pictures, in one PNG file.
//
//   maps --checkpoint out/semaim --data /usr/share/datasets/fashion-mnist --out maps.png
#include "arvit/workbench/maps.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::maps<ShippedModels>);
}
