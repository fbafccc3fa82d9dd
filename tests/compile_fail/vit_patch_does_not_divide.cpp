// SPDX-License-Identifier: BSL-1.0
// expect: ImageGrid<Height, Width, Patch>: Patch must divide Height and Width; choose a multiple of
// Patch.
#include <arvit/models.hpp>

using Bad = arvit::ViT<12, 768, 12, arvit::Patch<15>>;
int main() { return Bad::Grid::patches; }
