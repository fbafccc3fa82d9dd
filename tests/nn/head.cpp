// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/head.hpp"

#include "support/gradient_check.hpp"

namespace arvit::test {

TEST_CASE_TEMPLATE("nn/head: gradients of a head and of the norm before it", Kind, LinearHead,
                   MlpHead) {
  using Layer = NormedHead<Kind, LayerNorm<4>, 3>;
  GradientCheck check;
  const auto& c = check.context();
  const auto norm = check.parameters<typename Layer::Norm>("norm.");
  const auto head = check.parameters<typename Layer::Head::Layer>("head.");
  const auto x = check.input<4>("x", 3);
  const auto y = check.output<3>("prediction", 3);
  typename Layer::template Saved<Reference<double>> saved(c, 3);
  saved.prediction = y;
  check.run(
      [&] {
        Layer::forward(c, {norm.weights, head.weights}, x, saved);
      },
      [&] {
        Layer::backward(c, {{norm.weights, head.weights}, {norm.gradient, head.gradient}},
                        {x, saved}, y.gradient, x.gradient);
      });
}

}  // namespace arvit::test
