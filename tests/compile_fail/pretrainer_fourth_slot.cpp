// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer<Encoder, Decoder, Order, Target>: the fourth slot must be a Target<Kind,
// Options...>.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Pixel>;
static_assert(Bad::parameter_count > 0);
int main() {}
