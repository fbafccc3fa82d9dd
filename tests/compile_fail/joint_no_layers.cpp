// SPDX-License-Identifier: BSL-1.0
// expect: Joint<Depth, Dim, Heads>: Depth counts decoder layers; it must be positive.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<0, 512, 16>>;
static_assert(Bad::parameter_count > 0);
int main() {}
