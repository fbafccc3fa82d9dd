// SPDX-License-Identifier: BSL-1.0
// expect: Twin<Depth, Dim, Options...>: an option is not one of Twin's
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>,
                         arvit::Twin<2, 1024, arvit::SharedWeights>>;
static_assert(Bad::parameter_count > 0);
int main() {}
