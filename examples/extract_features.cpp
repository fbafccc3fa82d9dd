// SPDX-License-Identifier: BSL-1.0
// Features of pictures as a NumPy array, and their labels beside it.
//
//   extract_features --checkpoint b16.safetensors --data pictures --out features.npy
//   extract_features --checkpoint b16.safetensors --data pictures --image 384 --pooling tokens
//       --out tokens.npy
#include "arvit/workbench/extract_features.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::extract_features<ShippedModels>);
}
