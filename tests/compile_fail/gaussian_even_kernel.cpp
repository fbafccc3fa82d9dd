// SPDX-License-Identifier: BSL-1.0
// expect: Gaussian<KernelSide>: KernelSide must be odd, so that the blur has a centre pixel.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Gaussian<8>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
