// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: this decoder needs an order with one patch per rank, such as
// OrderPolicy<Raster>.
#include <arvit/models.hpp>

using Bad = arvit::CausalViT<arvit::ViT_B16<>, arvit::Target<arvit::Pixel>, arvit::RandomMask<>>;
static_assert(Bad::parameter_count > 0);
int main() {}
