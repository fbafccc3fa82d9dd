// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Target<Kind> needs a Kind with `template <class Grid, class D> static void
// values(const Context<D>&, const TargetInput<D>&, Rows<Statistic<D>, width<Grid>, SpaceOf<D>>
// target)` (target/target.hpp).
#include <arvit/models.hpp>

struct NoValues {
  template <class Grid> static constexpr int width = Grid::patch_width;
};
using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<NoValues>>;
static_assert(Bad::parameter_count > 0);
int main() {}
