// SPDX-License-Identifier: BSL-1.0
// expect: Twin<Depth, Dim>: Depth counts decoder layers; it must be positive (Distil has no
// decoder).
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>, arvit::Twin<0, 1024>>;
static_assert(Bad::parameter_count > 0);
int main() {}
