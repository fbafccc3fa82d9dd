// SPDX-License-Identifier: BSL-1.0
// Pictures that a model makes up: from nothing, pixel after pixel (iGPT) or group after group
// (GVP), or below the given upper part of real ones.
//
//   sample --checkpoint out/igpt --count 16 --top-k 100 --out samples.png
//   sample --checkpoint out/gvp_d2d --data pictures --keep 0.5 --out completions.png
#include "arvit/workbench/sample.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::sample<ShippedModels>);
}
