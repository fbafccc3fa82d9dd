// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, Options...>: an option is repeated; give each once.
#include <arvit/models.hpp>

using Bad = arvit::ViT<12, 768, 12, arvit::Patch<16>, arvit::Patch<14>>;
int main() { return Bad::depth; }
