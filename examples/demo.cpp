// SPDX-License-Identifier: BSL-1.0
// From nothing to a measured encoder: pre-trains a model on small pictures, holds it against the
// same encoder untrained and against raw pixels, and writes a report with pictures.
//
//   ./demo                              SemAIM on Fashion-MNIST, as Debian's package installs it
//   ./demo --data PICTURES --epochs 3   any pictures by class, CIFAR binary files or idx files
//   ./demo --variant GVP_p2d_Nano       any other model; what teaches it is made first
#include "arvit/workbench/demo.hpp"

#include "arvit/variants.hpp"
#include "arvit/workbench/extra_models.hpp"

using namespace arvit;

#ifdef ARVIT_DEMO_VARIANT  // in the program demo_NAME, which CMakeLists.txt makes of this file
using Chosen = ARVIT_DEMO_VARIANT;
#else
using Chosen = Variant<SemAIM_Pico, "SemAIM_Pico">;
#endif

int main(int argc, char** argv) {
  return run_main(argc, argv, program::demo<WithExtraModels<ModelList<Chosen>>>);
}
