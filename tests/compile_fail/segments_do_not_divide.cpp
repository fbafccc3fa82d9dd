// SPDX-License-Identifier: BSL-1.0
// expect: Segments<Outer, Inner>: squares are whole; choose an Outer that divides the grid's rows
// and columns of patches.
#include <arvit/models.hpp>

using Bad = arvit::RandSAC<arvit::ViT_Nano<>, arvit::Parallel<6>, arvit::Segments<2>>;
static_assert(Bad::parameter_count > 0);
int main() {}
