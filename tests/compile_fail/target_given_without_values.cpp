// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Target<Kind> of numbers that are given (`tokens`) needs a Kind with `template
// <class Grid, class D> static void values(const Context<D>&, const TargetInput<D>&,
// Rows<Statistic<D>, token_width<Grid>, SpaceOf<D>> target)` (target/target.hpp).
#include <arvit/models.hpp>

struct Given {
  template <class Grid> static constexpr int width = 8;
  template <class Grid> static constexpr int tokens = Grid::patches;
  template <class Grid> static constexpr int token_width = 8;
  template <class Grid> static void values(int) {}
};
using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<Given>>;
static_assert(Bad::parameter_count > 0);
int main() {}
