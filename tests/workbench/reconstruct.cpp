// SPDX-License-Identifier: BSL-1.0
#include "arvit/workbench/reconstruct.hpp"

#include <doctest/doctest.h>

#include "arvit/models.hpp"
#include "arvit/workbench/filling_model.hpp"

namespace arvit::test {
namespace {

/// As wide as a patch, but no picture.
struct Slopes : Pixel {
  static constexpr bool is_picture = false;
};
/// Narrower than a patch.
struct Brightness {
  template <class Grid> static constexpr int width = Grid::patch_width / 3;
  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>&,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    c.run(ops::Fill<D, Statistic<D>>{.y = target});
  }
};
template <class Kind>
using Of = Variant<SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>>, Parallel<2>, Target<Kind>>, "Mine">;

TEST_CASE("workbench/reconstruct: only what is a picture is shown as one") {
  using program::FillingModel, program::ReconstructingModel;
  CHECK((ReconstructingModel(std::type_identity<Of<Pixel>>{}).picture != nullptr));
  CHECK((FillingModel(std::type_identity<Of<Pixel>>{}).fill != nullptr));
  CHECK((ReconstructingModel(std::type_identity<Of<Slopes>>{}).picture == nullptr));
  CHECK((FillingModel(std::type_identity<Of<Slopes>>{}).fill == nullptr));
  CHECK((ReconstructingModel(std::type_identity<Of<Brightness>>{}).picture == nullptr));
  CHECK((FillingModel(std::type_identity<Of<Brightness>>{}).fill == nullptr));
}

}  // namespace
}  // namespace arvit::test
