// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer<Encoder, Decoder, Order, Target>: the first slot must be a ViT<Depth, Dim,
// Heads, Options...>.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::Pixel>;
static_assert(Bad::parameter_count > 0);
int main() {}
