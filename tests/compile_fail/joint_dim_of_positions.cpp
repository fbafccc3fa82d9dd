// SPDX-License-Identifier: BSL-1.0
// expect: Joint<Depth, Dim, Heads>: sin-cos positions need a Dim that is a multiple of 4.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<8, 510, 15>>;
static_assert(Bad::parameter_count > 0);
int main() {}
