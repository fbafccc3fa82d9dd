// SPDX-License-Identifier: BSL-1.0
// Looks into models, checkpoints and masks.
//
//   inspect --model SAIM_B16                     memory plan and parameters
//   inspect --checkpoint FILE_OR_FOLDER          what a checkpoint says of itself
//   inspect --mask SAIM_B16                      who reads whom, on a small grid
//   inspect --ranks 0,0,2,0,1,1,2                the masks of given ranks (GVP, matrix 19)
#include "arvit/workbench/inspect.hpp"

#include "shipped_models.hpp"

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, arvit::program::inspect<ShippedModels>);
}
