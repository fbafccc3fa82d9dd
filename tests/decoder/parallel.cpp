// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/parallel.hpp"

#include "arvit/target/gaussian.hpp"
#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

using Encoder = Small<3>;
using Outputs = With<Encoder, Parallel<3>>;
using Inputs = With<Encoder, Parallel<2, ReadsPrevious>>;
using Shared = With<Encoder, Parallel<3, SharedWeights>>;
dense::Result three(const dense::Problem& p) { return dense::parallel(p, 3, false, false); }

}  // namespace

TEST_CASE("decoder/parallel: gradients") {
  check_gradients<Outputs>(random_ranks(1, true, 11, 2));
  check_gradients<Inputs>(random_ranks(2, false, 11, 2), {"blocks.2."});  // nobody reads its output
  check_gradients<Shared>(random_ranks(3, false, 11, 2));
}
TEST_CASE("decoder/parallel: ranks with ties, empty rows and groups, images of different length") {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    const Ranks ranks = random_ranks(seed, seed % 2 == 0, 11);
    compare<Outputs>(ranks, three);
    compare<With<Small<3, NoClassToken>, Parallel<3>>>(ranks, three);
    compare<With<Encoder, Parallel<2>>>(ranks,
                                        [](auto p) { return dense::parallel(p, 2, false, false); });
    compare<Inputs>(ranks, [](auto p) { return dense::parallel(p, 2, true, false); });
    compare<Shared>(ranks, [](auto p) { return dense::parallel(p, 3, false, true); });
  }
}
TEST_CASE("decoder/parallel: targets: blur, raw patches, absolute error, linear head") {
  const Ranks ranks = permutations(14);
  compare<With<Encoder, Parallel<3>, Target<Pixel, RawPatches>>>(ranks, [](auto p) {
    p.standardise = false;
    return three(p);
  });
  compare<With<Encoder, Parallel<3>, Target<Pixel, L1, LinearHead>>>(ranks, [](auto p) {
    p.l1 = true;
    return three(p);
  });
  compare<With<Encoder, Parallel<3>, Target<Gaussian<5, std::ratio<3, 2>>>>>(ranks, [](auto p) {
    p.target = dense::TargetKind::gaussian;
    const auto kernel = Gaussian<5, std::ratio<3, 2>>::kernel<double>();
    p.kernel.assign(kernel.weight.begin(), kernel.weight.begin() + kernel.count);
    return three(p);
  });
}

}  // namespace arvit::test
