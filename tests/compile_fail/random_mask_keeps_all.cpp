// SPDX-License-Identifier: BSL-1.0
// expect: RandomMask<Keep>: Keep is the visible share of the patches, strictly between 0 and 1.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<8, 512, 16>, arvit::Target<arvit::Pixel>,
                       arvit::RandomMask<std::ratio<1>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
