// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, Options...>: its positions are not made for such a Dim; choose
// others, or another Dim.
#include <arvit/models.hpp>

struct Narrow {
  using Category = arvit::PositionCategory;
  template <class Grid, int Dim> struct For : arvit::PositionsWithoutParameters {
    static constexpr bool well_formed = Dim <= 64, adds = true, turns = false;
  };
};
using Bad = arvit::SAIM<arvit::ViT_B16<Narrow>>;
static_assert(Bad::parameter_count > 0);
int main() {}
