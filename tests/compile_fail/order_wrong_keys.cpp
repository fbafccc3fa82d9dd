// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> needs a Kind with keys from counters, `template <class
// Grid> static void keys(Counter, std::span<float> key)` (order/rank.hpp), or from features
// (order/semantic.hpp).
#include <arvit/models.hpp>

struct WrongKeys {
  static constexpr bool fixed_profile = true;
  template <class Grid> static constexpr int profile(arvit::Counter, std::span<int> ends) {
    return arvit::one_patch_per_group(Grid::patches, ends);
  }
  template <class Grid> static void keys(arvit::Counter, std::span<int>) {}
};
using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>, WrongKeys>;
static_assert(Bad::parameter_count > 0);
int main() {}
