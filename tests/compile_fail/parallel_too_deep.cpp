// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth>: the decoder has more layers than the encoder; use at most one per
// encoder layer.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<13>>;
static_assert(Bad::parameter_count > 0);
int main() {}
