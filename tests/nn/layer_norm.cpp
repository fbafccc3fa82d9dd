// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/layer_norm.hpp"

#include "support/gradient_check.hpp"

namespace arvit::test {

TEST_CASE("nn/layer_norm: gradients") {
  using Layer = LayerNorm<5, std::ratio<1, 10>>;
  for (const Write write : {Write::assign, Write::add}) {
    GradientCheck check;
    const auto& c = check.context();
    const auto w = check.parameters<Layer>();
    const auto x = check.input<5>("x", 3, write);
    const auto y = check.output<5>("y", 3);
    const auto moments = take_statistics<2>(c, 3);
    check.run([&] { Layer::forward(c, w.weights, x, y, moments); },
              [&] {
                Layer::backward(c, w, {x, moments}, y.gradient, {x.gradient, write});
              });
  }
}
TEST_CASE("nn/layer_norm: again gives y from the moments") {
  using Layer = LayerNorm<5>;
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<5>("x", 3);
  const auto y = check.output<5>("y", 3), once_more = check.output<5>("once more", 3);
  const auto moments = take_statistics<2>(c, 3);
  Layer::forward(c, w.weights, x, y, moments);
  Layer::again(c, w.weights, {x, moments}, once_more);
  CHECK(std::equal(y.data(), y.data() + 3 * 5, once_more.data()));
}

}  // namespace arvit::test
