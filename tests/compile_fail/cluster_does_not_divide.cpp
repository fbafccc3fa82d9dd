// SPDX-License-Identifier: BSL-1.0
// expect: Cluster<Rows, Columns>: clusters are of one size; choose Rows that divide the grid's rows
// of patches and Columns that divide its columns.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>,
                        arvit::Cluster<2, 3>>;
static_assert(Bad::parameter_count > 0);
int main() {}
