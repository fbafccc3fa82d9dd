// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: an order from features (Semantic) knows no Conditions; drop them or choose
// another order.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<arvit::Conditions<arvit::Labels<10>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
