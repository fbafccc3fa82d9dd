// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer<Encoder, Decoder, Order, Target>: the third slot must be an OrderPolicy<Kind>.
#include <arvit/models.hpp>

using Bad = arvit::Pretrainer<arvit::ViT_B16<>, arvit::Decoder<arvit::Causal>, arvit::Raster,
                              arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
