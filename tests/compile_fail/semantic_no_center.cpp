// SPDX-License-Identifier: BSL-1.0
// expect: Centers<K>: K counts the centres; it must be at least 1.
#include <arvit/models.hpp>

using Bad =
    arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Semantic<arvit::Centers<0>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
