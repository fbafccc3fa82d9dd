// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth>: Depth counts decoder layers; it must be positive (Causal is the decoder
// without layers).
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<0>>;
static_assert(Bad::parameter_count > 0);
int main() {}
