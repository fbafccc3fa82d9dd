// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> needs a Kind with `static constexpr bool fixed_profile` and
// `template <class Grid> static constexpr int profile(Counter, std::span<int> ends)`
// (order/rank.hpp).
#include <arvit/models.hpp>

struct AtRunTime : arvit::Raster {
  template <class Grid> static int profile(arvit::Counter, std::span<int> ends) {
    return arvit::one_patch_per_group(Grid::patches, ends);
  }
};
using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Causal, arvit::Target<arvit::Pixel>, AtRunTime>;
static_assert(Bad::parameter_count > 0);
int main() {}
