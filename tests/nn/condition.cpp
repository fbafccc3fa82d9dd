// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/condition.hpp"

#include "support/gradient_check.hpp"

namespace arvit::test {
namespace {

struct Teacher {
  static constexpr int dim = 3;
};
constexpr int images = 2, rows = 9;

/// Tokens before the patches of two images, in a batch of which other rows are not theirs.
template <class Layer>
void check_tokens(const std::vector<std::int32_t>& class_rows,
                  const std::vector<double>& conditions) {
  const DeviceBatch<Reference<double>> batch{.conditions = conditions};
  GradientCheck check;
  const auto& c = check.context();
  const auto w = check.parameters<Layer>();
  const auto others = check.input<4>("others", rows);
  const auto h = check.output<4>("tokens", rows);
  check.run(
      [&] {
        std::copy_n(others.data(), rows * 4, h.data());
        Layer::forward(c, w.weights, batch, class_rows, h);
      },
      [&] {
        Layer::backward(c, batch, class_rows, h.gradient, w.gradient);
        std::copy_n(h.gradient.data(), rows * 4, others.gradient.data());  // theirs are cleared
      });
}

}  // namespace

TEST_CASE("nn/condition: gradients of a class token") {
  check_tokens<ConditionTokens<4, true>>({0, 5}, {});
}
TEST_CASE("nn/condition: gradients of a class token, a teacher's features and labels") {
  std::vector<double> conditions = hashed_images(images * 3);
  for (const double label : {1, 2}) conditions.push_back(label);  // 2: unknown
  check_tokens<ConditionTokens<4, true, Pooled<Teacher>, Labels<2>>>({0, 1, 2, 6, 7, 8},
                                                                     conditions);
}

}  // namespace arvit::test
