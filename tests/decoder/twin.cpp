// SPDX-License-Identifier: BSL-1.0
#include "arvit/decoder/twin.hpp"

#include "support/decoder_check.hpp"

namespace arvit::test {
namespace {

using Model = With<Small<4>, Twin<2, 4, HeadWidth<2>>, Target<PixelsAndClass>>;

}  // namespace

TEST_CASE("decoder/twin: gradients") {
  check_gradients<Model>(random_ranks(11, false, 5, 2));
  // The encoder's own output is distilled beside Gen; a norm for each layer that is read.
  using Distilled = Twin<1, 4, HeadWidth<2>, GenAndDistil, SeparateNorms>;
  check_gradients<With<Small<2>, Distilled, Target<PixelsAndClass>>>(random_ranks(12, false, 5, 2));
}
TEST_CASE("decoder/twin: taps of several layers, queries that read each other, class token last") {
  for (std::uint32_t seed = 11; seed <= 13; ++seed) {
    const Ranks ranks = random_ranks(seed, false, 5);
    Reference<double> device;
    ModelCase<Model, Reference<double>> model(device, 3);
    auto problem = problem_of(model, ranks);
    // The released bridge is one map whose output channels interleave the decoder layers: layer m
    // takes channels m, m + 2, ...
    constexpr int layers = 2, width = 4, wide = 4 * 4;
    for (const std::string branch : {"gen_", "dis_"}) {
      std::vector<double> weight(layers * width * wide), bias(layers * width);
      for (int m = 0; m < layers; ++m)
        for (int c = 0; c < width; ++c) {
          const std::string ours = branch + "bridge." + std::to_string(m);
          bias[c * layers + m] = problem.parameters.at(ours + ".bias")[c];
          for (int i = 0; i < wide; ++i)
            weight[(c * layers + m) * wide + i] = problem.parameters.at(ours +
                                                                        ".weight")[c * wide + i];
        }
      problem.parameters[branch + "bridge.weight"] = weight;
      problem.parameters[branch + "bridge.bias"] = bias;
    }
    auto oracle = dense::twin(problem, width, layers, 2, {2, 3, 3, 4});
    for (const std::string branch : {"gen_", "dis_"})
      for (int m = 0; m < layers; ++m) {
        const std::string ours = branch + "bridge." + std::to_string(m);
        for (int c = 0; c < width; ++c) {
          oracle.gradients[ours + ".bias"].resize(width);
          oracle.gradients[ours + ".weight"].resize(width * wide);
          oracle.gradients[ours + ".bias"][c] = oracle.gradients.at(branch +
                                                                    "bridge.bias")[c * layers + m];
          for (int i = 0; i < wide; ++i)
            oracle.gradients[ours + ".weight"][c * wide + i] = oracle.gradients.at(
                branch + "bridge.weight")[(c * layers + m) * wide + i];
        }
      }
    const double loss = model.run(flat(ranks));
    check_equal(model, loss, oracle);
  }
}

}  // namespace arvit::test
