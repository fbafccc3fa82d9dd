// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: the decoder predicts the class token, but the target has none
#include <arvit/models.hpp>
constexpr auto count = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::Pixel>>::parameter_count;
