// SPDX-License-Identifier: BSL-1.0
// expect: VariableMask<Mean, Deviation, Least, Most>: Mean must lie between Least and Most, and
// Deviation be positive.
#include <arvit/models.hpp>

using Bad = arvit::MAE<arvit::ViT_B16<>, arvit::Joint<8, 512, 16>, arvit::Target<arvit::Pixel>,
                       arvit::VariableMask<std::ratio<1, 3>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
