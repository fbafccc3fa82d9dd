// SPDX-License-Identifier: BSL-1.0
// expect: Twin<Depth, Dim, HeadWidth<W>>: W (32 by default) must divide Dim; choose one that does.
#include <arvit/models.hpp>
constexpr auto count = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>,
                                    arvit::Twin<2, 1000>>::parameter_count;
