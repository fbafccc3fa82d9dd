// SPDX-License-Identifier: BSL-1.0
// expect: Cluster<Rows, Columns>: Rows and Columns count the clusters down and across; both must be
// positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>,
                        arvit::Cluster<0, 2>>;
static_assert(Bad::parameter_count > 0);
int main() {}
