// SPDX-License-Identifier: BSL-1.0
#include "arithmetic/bits.hpp"

namespace arvit::test {

TEST_CASE("arithmetic of masks: losses, gradients and parameters to the bit") {
  check_bits<MAE<BitsViT<3>, Joint<2, 16, 4>>>("mae");
  check_bits<MAE<BitsViT<2, Conditions<Pooled<BitsTower>>>, Joint<1, 16, 2>,
                 Target<Features<BitsTeacher>, L2>>>("mae_features");
  check_bits<MAGE<BitsViT<3, Embedding<Codes<7>>>, Joint<2, 16, 4>, Target<Codes<7>>>>("mage");
  check_bits<SimMIM<BitsViT<3>>>("simmim");
  check_bits<SimMIM<BitsViT<2>, Target<Codes<7>>, RandomMask<std::ratio<3, 5>>>>("beit");
}

}  // namespace arvit::test
