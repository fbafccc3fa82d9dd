// SPDX-License-Identifier: BSL-1.0
// expect: Semantic<Options...>: an option is not one of Semantic's
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Semantic<int>>;
static_assert(Bad::parameter_count > 0);
int main() {}
