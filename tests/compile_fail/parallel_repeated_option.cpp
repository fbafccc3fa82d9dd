// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth, Options...>: an option is repeated; give each once.
#include <arvit/models.hpp>

using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12, arvit::SharedWeights, arvit::SharedWeights>>;
static_assert(Bad::parameter_count > 0);
int main() {}
