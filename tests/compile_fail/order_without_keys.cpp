// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> needs a Kind with fixed_profile and profile<Grid>(Counter,
// std::span<int>).
#include <arvit/models.hpp>

struct Nothing {};
using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>, Nothing>;
static_assert(Bad::parameter_count > 0);
int main() {}
