// SPDX-License-Identifier: BSL-1.0
// Linear-probe accuracy of a pre-trained encoder. Without --recipe: on cached features of the layer
// and pooling that held-out training pictures choose, beside the same encoder untrained and raw
// pixels. With --recipe: as the papers train it, on augmented pictures.
//
//   linear_probe --data /usr/share/datasets/fashion-mnist --checkpoint out/semaim
//   linear_probe --data imagenet --checkpoint b16.safetensors --recipe saim
#include "arvit/workbench/linear_probe.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::linear_probe<ShippedModels>);
}
