// SPDX-License-Identifier: BSL-1.0
// expect: Parallel<Depth, Options...>: the options are SharedWeights and ReadsPrevious
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12, int>>;
static_assert(Bad::parameter_count > 0);
int main() {}
