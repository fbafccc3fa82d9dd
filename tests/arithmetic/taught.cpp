// SPDX-License-Identifier: BSL-1.0
#include "arithmetic/bits.hpp"

namespace arvit::test {

TEST_CASE("arithmetic of teachers: losses, gradients and parameters to the bit") {
  check_bits<
      DiGPT<BitsViT<4, ZeroClassToken>, Target<Features<BitsTeacher>>, Twin<2, 16, HeadWidth<8>>>>(
      "digpt");
  check_bits<DiGPT<BitsViT<4>, Target<Features<BitsLargeTeacher>, ResizePrediction<2, 2>>,
                   Twin<2, 8, HeadWidth<4>, EveryPrefix, SeparateNorms>>>("digpt_every_prefix");
  check_bits<
      DiGPT<BitsViT<3>, Target<Features<BitsTeacher>, L2>, Twin<1, 8, HeadWidth<4>, GenAndDistil>>>(
      "digpt_distil");
  check_bits<DiGPT<BitsViT<2, NoClassToken>, Target<Features<BitsLargeTeacher>>,
                   Twin<2, 8, HeadWidth<8>, WholeImage, LastLayer>, Stochastic>>(
      "digpt_whole_image");
  check_bits<DiGPT<BitsViT<2>, Target<Pixel>, Twin<1, 8, HeadWidth<4>, ClassFirst>>>("digpt_pixel");
  check_bits<Pretrainer<BitsViT<3>, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>,
                        Target<Features<BitsTeacher>>>>("distil");
}

}  // namespace arvit::test
