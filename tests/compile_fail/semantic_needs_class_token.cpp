// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: an order from features (Semantic) needs the encoder's class token; drop
// NoClassToken.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<arvit::NoClassToken>>;
static_assert(Bad::parameter_count > 0);
int main() {}
