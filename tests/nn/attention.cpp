// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/attention.hpp"

#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/attention: gradients, a query that reads nothing, a key that nobody reads") {
  using Layer = Attention<4, 2>;
  const MadeReach reach = two_images_queries();
  for (const Write write : {Write::assign, Write::add}) {
    GradientCheck check;
    const auto& c = check.context();
    const auto q = check.input<4>("q", 8);
    const auto k = check.input<4>("k", 7, write), v = check.input<4>("v", 7, write);
    const auto out = check.output<4>("out", 8);
    const Layer::Saved<Reference<double>> saved(out, take_statistics<2>(c, 8));
    check.run(
        [&] {
          Layer::forward(c, {q, k, v, reach}, saved);
        },
        [&] {
          Layer::backward(c, {q, k, v, reach}, saved, out.gradient,
                          {q.gradient, k.gradient, v.gradient, write});
        });
  }
}

}  // namespace arvit::test
