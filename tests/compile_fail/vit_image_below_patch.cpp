// SPDX-License-Identifier: BSL-1.0
// expect: ImageGrid<Height, Width, Patch>: the image must hold at least one patch.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<arvit::Image<8>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
