// SPDX-License-Identifier: BSL-1.0
// expect: Gaussian<KernelSide, Sigma>: Sigma is a deviation in pixels; it must be positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Gaussian<9, std::ratio<0>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
