// SPDX-License-Identifier: BSL-1.0
// expect: Decoder<Causal>: the first patch is predicted from the class token; drop NoClassToken, or
// give one condition instead.
#include <arvit/models.hpp>

using Bad = arvit::CausalViT<arvit::ViT_B16<arvit::NoClassToken>>;
static_assert(Bad::parameter_count > 0);
int main() {}
