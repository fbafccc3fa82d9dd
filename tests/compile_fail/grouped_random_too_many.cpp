// SPDX-License-Identifier: BSL-1.0
// expect: Grouped<Kind>: the grid has too few patches for K groups; choose K below their number
// (Fixed<K>: at most it).
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>,
                        arvit::Grouped<arvit::Random<196>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
