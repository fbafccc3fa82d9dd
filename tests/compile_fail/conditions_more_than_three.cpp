// SPDX-License-Identifier: BSL-1.0
// expect: Conditions<Kinds...>: at most three kinds of condition.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<
    arvit::Conditions<arvit::Labels<2>, arvit::Labels<3>, arvit::Labels<4>, arvit::Labels<5>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
