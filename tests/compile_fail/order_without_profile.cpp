// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> needs a Kind with `static constexpr bool fixed_profile` and
// `template <class Grid> static constexpr int profile(Counter, std::span<int> ends)`
// (order/rank.hpp).
#include <arvit/models.hpp>

struct Nothing {};
using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>, Nothing>;
static_assert(Bad::parameter_count > 0);
int main() {}
