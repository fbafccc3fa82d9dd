// SPDX-License-Identifier: BSL-1.0
// expect: Twin<Depth, Dim, Options...>: two options of one kind; give each kind once.
#include <arvit/models.hpp>

using Bad = arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>>,
                         arvit::Twin<2, 1024, arvit::GenOnly, arvit::DisOnly>>;
static_assert(Bad::parameter_count > 0);
int main() {}
