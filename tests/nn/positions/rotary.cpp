// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/positions/rotary.hpp"

#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/positions/rotary: gradients of what is turned, two heads in a wider matrix") {
  const MadeRows rows = two_images();
  const std::vector<double> table = rotary_turns<double>(2, 3, 4);
  const Turn<Reference<double>> turn{{table.data(), 6, 4}, rows};
  GradientCheck check;
  const auto& c = check.context();
  const auto x = check.input<12>("x", rows.rows());
  const auto y = check.output<12>("y", rows.rows());
  check.run(
      [&] {
        std::copy_n(x.data(), rows.rows() * 12, y.data());
        turn.forward(c, Rows<double, 12>(y).columns<2, 10>());
      },
      [&] {
        std::copy_n(y.gradient.data(), rows.rows() * 12, x.gradient.data());
        turn.backward(c, x.gradient.columns<2, 10>());
      });
}

}  // namespace arvit::test
