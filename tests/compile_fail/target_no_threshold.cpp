// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, Error>: the error's own numbers are out of range, as a threshold of SmoothL1
// that is not positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Pixel, arvit::SmoothL1<std::ratio<0>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
