// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/gather.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {

TEST_CASE("decoder/gather: gradients") {
  check_gradients<With<Small<2>, Gather>>(permutations(5, 2));
  check_gradients<With<Small<2>, Gather, Target<Pixel, MlpHead>>>(random_ranks(6, true, 11, 2));
  check_gradients<With<Small<2, NoClassToken>, Gather>>(random_ranks(7, true, 11, 2));
}

}  // namespace arvit::test
