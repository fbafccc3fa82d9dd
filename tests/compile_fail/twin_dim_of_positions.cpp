// SPDX-License-Identifier: BSL-1.0
// expect: Twin<Depth, Dim>: sin-cos positions need a Dim that is a multiple of 4.
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>, arvit::Twin<2, 1026>>;
static_assert(Bad::parameter_count > 0);
int main() {}
