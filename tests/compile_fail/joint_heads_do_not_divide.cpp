// SPDX-License-Identifier: BSL-1.0
// expect: Joint<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<8, 512, 15>>;
static_assert(Bad::parameter_count > 0);
int main() {}
