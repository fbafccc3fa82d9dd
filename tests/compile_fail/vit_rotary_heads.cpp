// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, RotaryPositions>: channels of a head turn in pairs along two axes;
// choose Heads so that Dim / Heads is a multiple of 4.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT<12, 768, 128, arvit::RotaryPositions>>;
static_assert(Bad::parameter_count > 0);
int main() {}
