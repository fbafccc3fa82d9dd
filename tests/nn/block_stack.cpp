// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/block_stack.hpp"

#include "arvit/nn/encoder_block.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {
namespace {

/// Counts what it runs.
struct Counting : Reference<double> {
  int runs = 0;
  template <class Op> void run(const Op& op) {
    ++runs;
    Reference<double>::run(op);
  }
};
using Layer = EncoderBlock<Block<4, 2, 2, false>>;
constexpr int depth = 3, rows = 7;
struct Blocks {
  using Layers = Repeated<Layer::Shared, depth>;
  template <class C> struct Parameters : Layers::Parameters<C> {
    constexpr explicit Parameters(C& at) : Layers::Parameters<C>(at.in("blocks.{}.")) {}
  };
};

struct Found {
  std::vector<double> gradients;
  int forward, backward;  ///< operations
};
Found pass(bool recompute) {
  const MadeReach reach = two_images_reach();
  GradientCheck<Counting> check;
  const auto& c = check.context();
  const auto w = check.parameters<Blocks>();
  const auto x = check.input<4>("x", rows);
  const auto y = check.output<4>("y", rows);
  BlockStack<Layer, depth, Counting> stack(
      c, rows, recompute, [&](int) { return Layer::Saved<Counting>(c, rows, false); });
  const auto dqkv = c.arena.rows<double, 12, HostSpace>(rows);
  const Layer::Input<Counting> in{{}, reach};
  Found found;
  const auto forward = [&] {
    std::copy_n(x.data(), rows * 4, stack.tokens(0).data());
    for (int i = 0; i < depth; ++i) stack.forward(c, w.weights[i], i, in);
    std::copy_n(stack.tokens(depth).data(), rows * 4, y.data());
  };
  const auto backward = [&] {
    std::copy_n(y.gradient.data(), rows * 4, x.gradient.data());
    for (int i = depth - 1; i >= 0; --i)
      stack.backward(c, {w.weights[i], w.gradient[i]}, i, in, {x.gradient, dqkv});
  };
  found.gradients = check.run(forward, backward);
  const auto counted = [&](const auto& work) {
    check.device().runs = 0;
    work();
    return check.device().runs;
  };
  found.forward = counted(forward);
  found.backward = counted(backward);
  return found;
}

}  // namespace

TEST_CASE("nn/block_stack: gradients, the same bits from layers that are run again") {
  const Found kept = pass(false), again = pass(true);
  CHECK(kept.gradients == again.gradients);
  CHECK(again.forward == kept.forward);
  // `again` leaves out one operation of a forward that has seven. What the last layer keeps is
  // still there when its backward comes.
  CHECK(kept.forward == depth * 7);
  CHECK(again.backward == kept.backward + (depth - 1) * 6);
}

}  // namespace arvit::test
