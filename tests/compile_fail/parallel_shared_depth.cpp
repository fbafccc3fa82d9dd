// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth, SharedWeights>: shared weights need one decoder layer per encoder layer.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<6, arvit::SharedWeights>>;
static_assert(Bad::parameter_count > 0);
int main() {}
