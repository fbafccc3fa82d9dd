// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT<12, 768, 10>>;
static_assert(Bad::parameter_count > 0);
int main() {}
