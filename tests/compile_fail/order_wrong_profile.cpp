// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> needs a Kind with `static constexpr bool fixed_profile` and
// `template <class Grid> static constexpr int profile(Counter, std::span<int> ends)`
// (order/rank.hpp).
#include <arvit/models.hpp>

struct WrongProfile {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(std::span<int> ends) {
    return arvit::one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static void keys(arvit::Counter, std::span<float>) {}
};
using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>, WrongProfile>;
static_assert(Bad::parameter_count > 0);
int main() {}
