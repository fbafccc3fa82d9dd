// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, RawPatches>: only pixels are standardised; drop RawPatches.
#include <arvit/models.hpp>
constexpr auto count = arvit::DiGPT<
    arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>, arvit::RawPatches>>::parameter_count;
