// SPDX-License-Identifier: BSL-1.0
#include "own_model.hpp"

#include "arvit/workbench.hpp"

int main(int argc, char** argv) { return arvit::workbench<OwnModels>(argc, argv); }
