// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/causal.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

using Model = With<Small<3>, Causal>;

}  // namespace

TEST_CASE("decoder/causal: gradients") { check_gradients<Model>(permutations(5, 2)); }
TEST_CASE("decoder/causal: the output at a token predicts the next patch of any order") {
  compare<Model>(permutations(5), [](auto p) { return dense::causal(p); });
}

}  // namespace arvit::test
