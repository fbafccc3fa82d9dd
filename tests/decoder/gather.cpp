// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/gather.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {

TEST_CASE("decoder/gather: gradients") {
  check_gradients<With<Small<3>, Gather>>(permutations(5, 2));
}

}  // namespace arvit::test
