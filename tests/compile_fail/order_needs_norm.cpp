// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: an order from features (Semantic) needs a decoder that trains the encoder's
// final norm.
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>, arvit::Twin<2, 1024>,
                         arvit::Semantic<>>;
static_assert(Bad::parameter_count > 0);
int main() {}
