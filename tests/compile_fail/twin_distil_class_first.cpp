// SPDX-License-Identifier: BSL-1.0
// expect: Twin<..., GenAndDistil, ClassFirst>: distillation compares the class token, which would
// read nothing but itself; drop one of them.
#include <arvit/models.hpp>
constexpr auto count =
    arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>,
                 arvit::Twin<2, 1024, arvit::GenAndDistil, arvit::ClassFirst>>::parameter_count;
