// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer<Encoder, Decoder, Order, Target>: the second slot must be a Decoder<Kind>.
#include <arvit/models.hpp>

using Bad = arvit::Pretrainer<arvit::ViT_B16<>, arvit::OrderPolicy<arvit::Raster>,
                              arvit::Decoder<arvit::Causal>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
