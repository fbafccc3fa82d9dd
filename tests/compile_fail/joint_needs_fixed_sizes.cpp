// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: this decoder needs an order of two groups, visible and masked, such as
// OrderPolicy<RandomMask<>>.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<8, 512, 16>, arvit::Target<arvit::Pixel>,
                       arvit::Grouped<arvit::Random<1>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
