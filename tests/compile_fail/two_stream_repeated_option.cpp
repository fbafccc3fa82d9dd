// SPDX-License-Identifier: BSL-1.0
// expect: TwoStream<Options...>: an option is repeated; give each once.
#include <arvit/models.hpp>

using Bad = arvit::Pretrainer<arvit::ViT_B16<>,
                              arvit::Decoder<arvit::TwoStream<arvit::TokenOnly, arvit::TokenOnly>>,
                              arvit::OrderPolicy<arvit::Stochastic>, arvit::Target<arvit::Pixel>>;
static_assert(Bad::parameter_count > 0);
int main() {}
