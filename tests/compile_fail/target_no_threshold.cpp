// SPDX-License-Identifier: BSL-1.0
// expect: SmoothL1<Threshold>: from Threshold on the error is straight; it must be positive, and
// without any it is L1.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Pixel, arvit::SmoothL1<std::ratio<0>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
