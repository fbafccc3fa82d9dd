// SPDX-License-Identifier: BSL-1.0
#include "arithmetic/bits.hpp"

namespace arvit::test {

TEST_CASE("arithmetic of queries beside every layer: losses, gradients and parameters to the bit") {
  check_bits<SAIM<BitsViT<4, SeparateQkv>, Parallel<4>>>("saim");
  check_bits<SAIM<BitsViT<2, NoClassToken>, Parallel<1>,
                  Target<Gaussian<3, std::ratio<3, 2>>, LinearHead>, Raster>>("saim_raster_wide");
  check_bits<SAIM<BitsViT<4>, Parallel<3, ReadsPrevious>, Target<Pixel, L1>, Serpentine>>(
      "saim_reads_previous");
  check_bits<SAIM<BitsViT<4, MlpRatio<2>>, Parallel<4, SharedWeights>, Target<Pixel, RawPatches>,
                  CenterOut>>("saim_shared");
  check_bits<SAIM<BitsViT<2, Conditions<Labels<3>, Pooled<BitsTower>>>, Parallel<2>, Target<Pixel>,
                  StochasticCenter>>("saim_conditions");
  check_bits<RandSAC<BitsViT<3>, Parallel<2>>>("randsac");
  check_bits<RandSAC<BitsViT<2, Embedding<Codes<7>>>, Parallel<2>, Segments<2, 1>>>(
      "randsac_of_codes");
}

}  // namespace arvit::test
