// SPDX-License-Identifier: BSL-1.0
// expect: Conditions<Kinds...>: at most one of the kinds is Pooled.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Conditions<
    arvit::Pooled<arvit::VqganEncoder>, arvit::Labels<10>, arvit::Pooled<arvit::Codes<512>>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
