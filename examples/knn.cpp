// SPDX-License-Identifier: BSL-1.0
// k-nearest-neighbour accuracy of a pre-trained encoder, as SemAIM and DINO measure it: nothing is
// trained.
//
//   knn --data /usr/share/datasets/fashion-mnist --checkpoint out/semaim
#include "arvit/workbench/knn.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::knn<ShippedModels>);
}
