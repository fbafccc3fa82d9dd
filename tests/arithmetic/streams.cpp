// SPDX-License-Identifier: BSL-1.0
#include "arithmetic/bits.hpp"

namespace arvit::test {

TEST_CASE(
    "arithmetic of two streams and shifted targets: losses, gradients and parameters to the bit") {
  check_bits<GVP<BitsViT<4>, Grouped<Mixed<5>>>>("gvp_p2p");
  check_bits<GVP<BitsViT<4, Embedding<Codes<7>>>, Grouped<Random<3>>, Target<Codes<7>>>>("gvp_d2d");
  check_bits<GVP<BitsViT<3, NoClassToken, Conditions<Pooled<BitsTower>>>,
                 Grouped<Fixed<4>, FixedSequence>, Target<Codes<7>>, TwoStream<TokenOnly>>>(
      "gvp_p2d_condition");
  check_bits<CausalViT<BitsViT<3>>>("vit_igpt");
  check_bits<iGPT<ViT<2, 12, 3, Patch<1>, Image<4>, Embedding<Codes<7>>>, Codes<7>>>("igpt");
}

}  // namespace arvit::test
