// SPDX-License-Identifier: BSL-1.0
// expect: ImageGrid<Height, Width, Patch>: Patch must divide Height and Width; choose a multiple of
// Patch.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<arvit::Image<200>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
