// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/distil.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {

TEST_CASE("decoder/distil: gradients") {
  check_gradients<With<Small<2>, Distil, Target<PixelsAndClass>>>(random_ranks(1, false, 5, 2));
  check_gradients<With<Small<2, NoClassToken, LearnedPositions>, Distil>>(
      random_ranks(2, false, 5, 2));
}

}  // namespace arvit::test
