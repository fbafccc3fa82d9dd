// SPDX-License-Identifier: BSL-1.0
#include "arithmetic/bits.hpp"

namespace arvit::test {

TEST_CASE("arithmetic of orders from features: losses, gradients and parameters to the bit") {
  check_bits<SemAIM<BitsViT<4>, Parallel<2>>>("semaim");
  check_bits<
      SemAIM<BitsViT<3>, Parallel<2>, Semantic<FromAverage, MeanSimilarity, ZeroPaddedFilter>>>(
      "semaim_average");
  check_bits<SemAIM<BitsViT<3>, Parallel<2>, Semantic<SelfAttention, BySimilarity, NoFilter>,
                    Target<Pixel>>>("semaim_self_attention");
  check_bits<SemAIM<BitsViT<2>, Parallel<1>, Semantic<ByBoxes, NoFilter>>>("semaim_boxes");
  check_bits<SemAIM<BitsViT<2>, Parallel<1>, Semantic<Centers<2>>>>("semaim_centers");
  check_bits<SemAIM<BitsViT<3>, Parallel<2>, Semantic<FromTeacher>, Target<Features<BitsTeacher>>>>(
      "semaim_teacher");
}

}  // namespace arvit::test
