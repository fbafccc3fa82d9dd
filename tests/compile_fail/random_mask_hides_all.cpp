// SPDX-License-Identifier: BSL-1.0
// expect: RandomMask<Keep>: no patch of this grid would stay visible; raise Keep or the number of
// patches.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<arvit::Image<32>>, arvit::Joint<8, 512, 16>,
                       arvit::Target<arvit::Pixel>, arvit::RandomMask<std::ratio<1, 5>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
