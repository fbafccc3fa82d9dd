// SPDX-License-Identifier: BSL-1.0
// expect: Semantic<Options...>: only distances have several centres; use Centers<K> with
// ByDistance, or drop it.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                          arvit::Semantic<arvit::ByBoxes, arvit::Centers<2>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
