// SPDX-License-Identifier: BSL-1.0
// expect: Twin<..., WholeImage>: only Dis predicts the last cluster from itself; drop WholeImage,
// GenOnly or GenAndDistil.
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>,
                         arvit::Twin<2, 1024, arvit::GenOnly, arvit::WholeImage>>;
static_assert(Bad::parameter_count > 0);
int main() {}
