// SPDX-License-Identifier: BSL-1.0
// expect: TwoStream<Options...>: the option is TokenOnly; for one of your own, wrap the kind
// (decoder/seam.hpp).
#include <arvit/models.hpp>

using Bad =
    arvit::Pretrainer<arvit::ViT_B16<>, arvit::Decoder<arvit::TwoStream<arvit::SharedWeights>>,
                      arvit::OrderPolicy<arvit::Stochastic>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
