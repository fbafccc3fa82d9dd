// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, Options...>: an option is repeated; give each once.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<arvit::Patch<16>, arvit::Patch<14>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
