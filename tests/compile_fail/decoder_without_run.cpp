// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Decoder<Kind> needs a Kind whose For has rules, uses_norm, position_dim,
// reads(int), Parameters<C> and Run<D> (decoder/seam.hpp).
#include <arvit/models.hpp>

struct NoRun {
  using DefaultHead = arvit::LinearHead;
  template <class Encoder, class HeadKind, int Width>
  struct For : arvit::Causal::template For<Encoder, HeadKind, Width> {
    static constexpr int reads = 0;  // not a function
  };
};
using Bad = arvit::Pretrainer<arvit::ViT_B16<>, arvit::Decoder<NoRun>,
                              arvit::OrderPolicy<arvit::Stochastic>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
