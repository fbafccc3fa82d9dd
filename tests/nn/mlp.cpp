// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/mlp.hpp"

#include "support/gradient_check.hpp"

namespace arvit::test {
namespace {

using Layer = Mlp<3, 5, 4>;

}  // namespace

TEST_CASE("nn/mlp: gradients") {
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<3>("x", 4);
  const auto y = check.output<4>("y", 4);
  const auto hidden = take_tokens<5>(c, 4);
  check.run(
      [&] {
        Layer::forward(c, w.weights, x, {hidden, y});
      },
      [&] {
        Layer::backward(c, w, {x, hidden}, y.gradient, x.gradient);
      });
}
TEST_CASE("nn/mlp: gradients beside a skip connection, rows scaled") {
  const std::vector<double> scale{0, 1, 2.5, 0.5};
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto x = check.input<3>("x", 4);
  const auto residual = check.input<4>("residual", 4);
  const auto y = check.output<4>("y", 4);
  const auto hidden = take_tokens<5>(c, 4);
  check.run(
      [&] {
        Layer::forward_residual(c, w.weights, x, {residual, scale}, {hidden, y});
      },
      [&] {
        std::copy_n(y.gradient.data(), 4 * 4, residual.gradient.data());
        c.run(ops::ScaleRows<Reference<double>>{
            .x = y.gradient, .row_scale = scale, .y = y.gradient});
        Layer::backward(c, w, {x, hidden}, y.gradient, x.gradient);
      });
}

}  // namespace arvit::test
