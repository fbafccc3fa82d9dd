// SPDX-License-Identifier: BSL-1.0
// expect: Semantic<Options...>: two options of one kind; give each kind once.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                          arvit::Semantic<arvit::ByBoxes, arvit::ByDistance>>;
static_assert(Bad::parameter_count > 0);
int main() {}
