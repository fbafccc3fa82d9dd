// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/linear.hpp"

#include "support/gradient_check.hpp"

namespace arvit::test {

TEST_CASE("nn/linear: gradients") {
  using Layer = Linear<3, 4>;
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<3>("x", 5);
  const auto y = check.output<4>("y", 5);
  check.run([&] { Layer::forward(c, w.weights, x, y); },
            [&] { Layer::backward(c, w, x, y.gradient, x.gradient); });
}
TEST_CASE("nn/linear: a part of the channels is a layer, dx may be x") {
  using Layer = Linear<3, 4>;
  using Part = Linear<3, 2>;
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto weights = w.weights.part<1, 3>();
  const auto gradient = w.gradient.part<1, 3>();
  const auto x = check.input<3>("x", 5);
  const auto y = check.output<2>("y", 5);
  check.run([&] { Part::forward(c, weights, x, y); },
            [&] {
              std::copy_n(x.data(), 5 * 3, x.gradient.data());
              Part::backward(c, {weights, gradient}, x.gradient, y.gradient, x.gradient);
            });
}

}  // namespace arvit::test
