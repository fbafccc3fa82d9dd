// SPDX-License-Identifier: BSL-1.0
// A codebook by k-means: a palette of colours (--patch 1), or patches. Prints one JSON line.
//
//   fit_codebook --data pictures --out palette.safetensors --patch 1 --codes 512
//   fit_codebook --data pictures --out codebook.safetensors --patch 4 --codes 1024
//       --picture codebook.png
#include "arvit/workbench/fit_codebook.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::fit_codebook);
}
