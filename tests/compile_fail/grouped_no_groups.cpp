// SPDX-License-Identifier: BSL-1.0
// expect: Grouped<Kind>: K counts the groups that are predicted; it must be positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>,
                        arvit::Grouped<arvit::Fixed<0>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
