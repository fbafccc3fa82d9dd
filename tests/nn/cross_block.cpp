// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/cross_block.hpp"

#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {
namespace {

using D = Reference<double>;
using B = Block<8, 2, 2, true, DefaultEpsilon, true>;  // queries and keys turn

const std::vector<double> turns = rotary_turns<double>(2, 3, 4);
/// Patches of the queries of two_images_queries().
const MadeRows queries{{0, 1, -1, 2, 4, 6, 7, 9}, two_images().permutation};

}  // namespace

TEST_CASE("nn/cross_block: gradients of a block that reads keys and values") {
  using Layer = ReadingBlock<B>;
  const MadeReach reach = two_images_queries();
  const std::vector<double> attention{2, 2, 2, 2, 2, 0, 0, 0}, mlp{0, 0, 0, 0, 0, 2, 2, 2};
  for (const Write write : {Write::assign, Write::add}) {
    GradientCheck check;
    const auto& c = check.context();
    const auto w = check.parameters<Layer::Shared>();
    const auto x = check.input<8>("x", 8);
    const auto k = check.input<8>("k", 7, write), v = check.input<8>("v", 7, write);
    const auto y = check.output<8>("y", 8);
    const Layer::Input<D> in{x, k, v, reach, {{turns.data(), 6, 4}, queries}, {attention, mlp}};
    Layer::Saved<D> saved(c, 8);
    check.run([&] { Layer::forward(c, w.weights, in, saved, y); },
              [&] {
                std::copy_n(y.gradient.data(), 8 * 8, x.gradient.data());
                Layer::backward(c, w, in, saved, {x.gradient, k.gradient, v.gradient, write});
              },
              [&] { Layer::again(c, w.weights, in, saved); });
  }
}
TEST_CASE("nn/cross_block: gradients of a block that reads other tokens") {
  using Layer = CrossBlock<B>;
  const MadeRows content = two_images();
  const MadeReach reach = two_images_queries();
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer::Shared>();
  const auto x = check.input<8>("x", 8), h = check.input<8>("h", 7, Write::add);
  const auto y = check.output<8>("y", 8);
  const Layer::Input<D> in{
      x, {h, {{turns.data(), 6, 4}, content}}, reach, {{turns.data(), 6, 4}, queries}};
  Layer::Saved<D> saved(c, 8, 7);
  check.run([&] { Layer::forward(c, w.weights, in, saved, y); },
            [&] {
              std::copy_n(y.gradient.data(), 8 * 8, x.gradient.data());
              Layer::backward(c, w, in, saved, {x.gradient, h.gradient});
            },
            [&] { Layer::again(c, w.weights, in, saved); });
}

}  // namespace arvit::test
