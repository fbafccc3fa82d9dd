// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth, SharedWeights, ReadsPrevious>: shared weights read the layer's own output
// (SAIM Table 3); drop ReadsPrevious.
#include <arvit/models.hpp>

using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12, arvit::SharedWeights, arvit::ReadsPrevious>>;
static_assert(Bad::parameter_count > 0);
int main() {}
