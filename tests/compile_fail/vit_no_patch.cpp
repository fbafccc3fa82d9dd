// SPDX-License-Identifier: BSL-1.0
// expect: ImageGrid<Height, Width, Patch>: Patch counts pixels; it must be positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<arvit::Patch<0>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
