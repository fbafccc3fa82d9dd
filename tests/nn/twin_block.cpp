// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/twin_block.hpp"

#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/twin_block: gradients") {
  using D = Reference<double>;
  using Layer = TwinBlock<4, 2>;
  const MadeReach content = two_images_queries();
  const MadeReach self{{{0, 5, 0, 5}, {5, 8, 5, 8}}, {2, 2, 5, 5, 5, 1, 3, 3}};
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<4>("x", 8), h = check.input<4>("h", 7);
  const auto y = check.output<4>("y", 8);
  const Layer::Input<D> in{x, h, self, content};
  Layer::Saved<D> saved(c, 8, 7);
  check.run([&] { Layer::forward(c, w.weights, in, saved, y); },
            [&] {
              std::copy_n(y.gradient.data(), 8 * 4, x.gradient.data());
              Layer::backward(c, w, in, saved, {x.gradient, h.gradient});
            },
            [&] { Layer::again(c, w.weights, in, saved); });
}

}  // namespace arvit::test
