// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/joint.hpp"

#include "arvit/order/random_mask.hpp"
#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

template <int Depth> using Model = With<Small<2>, Joint<Depth, 8, 2>, Target<Pixel>, RandomMask<>>;

}  // namespace

TEST_CASE("decoder/joint: gradients") { check_gradients<Model<2>>(masks(6, 2)); }
TEST_CASE(
    "decoder/joint: latents and mask tokens in one sequence, a different number visible in each "
    "image") {
  compare<Model<2>>(masks(6), [](auto p) { return dense::joint(p, 8, 2, 2); });
  compare<Model<1>>(masks(6), [](auto p) { return dense::joint(p, 8, 1, 2); });
}

}  // namespace arvit::test
