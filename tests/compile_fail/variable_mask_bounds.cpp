// SPDX-License-Identifier: BSL-1.0
// expect: VariableMask<Mean, Deviation, Least, Most>: the masked share lies between Least above 0
// and Most, a larger one of at most 1.
#include <arvit/models.hpp>

using Bad = arvit::MAE<
    arvit::ViT_B16<>, arvit::Joint<8, 512, 16>, arvit::Target<arvit::Pixel>,
    arvit::VariableMask<std::ratio<11, 20>, std::ratio<1, 4>, std::ratio<1, 2>, std::ratio<3, 2>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
