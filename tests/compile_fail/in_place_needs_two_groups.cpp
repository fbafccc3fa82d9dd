// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: this decoder needs an order of two groups, visible and masked, such as
// OrderPolicy<RandomMask<>>.
#include <arvit/models.hpp>

using Bad = arvit::Pretrainer<arvit::ViT_B16<>, arvit::Decoder<arvit::InPlace>,
                              arvit::OrderPolicy<arvit::Raster>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
