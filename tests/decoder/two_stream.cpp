// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/two_stream.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

using Model = With<Small<3>, TwoStream<>>;
using OfToken = With<Small<3>, TwoStream<TokenOnly>>;
dense::Result two_stream(const dense::Problem& p) { return dense::two_stream(p, false); }

}  // namespace

TEST_CASE("decoder/two_stream: gradients") {
  check_gradients<Model>(random_ranks(7, true, 11, 2));
  check_gradients<OfToken>(random_ranks(8, false, 11, 2));
}
TEST_CASE("decoder/two_stream: the encoder's own weights, keys and values inside each layer") {
  for (std::uint32_t seed = 7; seed <= 10; ++seed) {
    const Ranks ranks = random_ranks(seed, seed % 2 == 0, 11);
    compare<Model>(ranks, two_stream);
    compare<With<Small<3, NoClassToken>, TwoStream<>, Target<Pixel, MlpHead>>>(ranks, two_stream);
    compare<OfToken>(ranks, [](auto p) { return dense::two_stream(p, true); });
  }
  compare<With<Small<1>, TwoStream<>>>(permutations(11), two_stream);
}

}  // namespace arvit::test
