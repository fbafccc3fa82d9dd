// SPDX-License-Identifier: BSL-1.0
// expect: ImageGrid<Height, Width, Patch>: Patch must divide Height and Width; choose a multiple of
// Patch.
#include <arvit/core/grid.hpp>

int main() { return arvit::ImageGrid<224, 200, 16>::patches; }
