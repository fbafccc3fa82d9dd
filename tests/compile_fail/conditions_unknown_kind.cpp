// SPDX-License-Identifier: BSL-1.0
// expect: Conditions<Kinds...>: the kinds are Pooled<Teacher> and Labels<Classes>.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Conditions<arvit::CLIP<>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
