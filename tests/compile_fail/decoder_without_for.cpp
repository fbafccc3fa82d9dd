// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Decoder<Kind> needs a Kind with `using DefaultHead` and `template <class
// Encoder, class HeadKind, int Width> struct For` (decoder/seam.hpp).
#include <arvit/models.hpp>

struct Nothing {};
using Bad = arvit::Pretrainer<arvit::ViT_B16<>, arvit::Decoder<Nothing>,
                              arvit::OrderPolicy<arvit::Stochastic>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
