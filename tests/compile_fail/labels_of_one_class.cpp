// SPDX-License-Identifier: BSL-1.0
// expect: Labels<Classes>: Classes counts the classes of the pictures; it must be at least 2.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Conditions<arvit::Labels<1>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
