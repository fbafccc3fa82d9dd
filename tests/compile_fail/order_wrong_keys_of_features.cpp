// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: OrderPolicy<Kind> with needs_features needs a Kind with `template <class D,
// class A, class Space> static void keys(D&, Arena&, const OrderFeatures<A, Space>&, Matrix<float,
// Space> key)` (order/semantic.hpp).
#include <arvit/models.hpp>

struct WrongKeys : arvit::Raster {
  static constexpr bool needs_features = true;
};
using Bad =
    arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>, WrongKeys>;
static_assert(Bad::parameter_count > 0);
int main() {}
