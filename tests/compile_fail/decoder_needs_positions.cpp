// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: this decoder's queries differ in nothing but their positions; drop
// NoPositions, or use Decoder<Causal>, Joint or Twin.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<arvit::NoPositions>>;
static_assert(Bad::parameter_count > 0);
int main() {}
