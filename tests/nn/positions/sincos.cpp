// SPDX-License-Identifier: BSL-1.0
#include "arvit/nn/positions/sincos.hpp"

#include "arvit/nn/positions/positions.hpp"
#include "support/gradient_check.hpp"
#include "support/made_rows.hpp"

namespace arvit::test {

TEST_CASE("nn/positions/sincos: gradients of tokens to which positions are added") {
  const MadeRows rows = two_images();
  const std::vector<double> table = sincos_positions<double>(2, 3, 8);
  const Positions<Reference<double>> positions{.table = {table.data(), 6, 8}};
  GradientCheck check;
  const auto& c = check.context();
  const auto x = check.input<8>("x", rows.rows());
  const auto y = check.output<8>("y", rows.rows());
  check.run(
      [&] {
        std::copy_n(x.data(), rows.rows() * 8, y.data());
        positions.add(c, y, rows);
      },
      [&] {
        std::copy_n(y.gradient.data(), rows.rows() * 8, x.gradient.data());
        positions.backward(c, x.gradient, rows);  // nothing is trained
      });
  // Patch 4 lies at row 1, column 1; a class token lies nowhere.
  std::copy_n(x.data(), rows.rows() * 8, y.data());
  positions.add(c, y, rows);
  CHECK(y[1][0] == x[1][0] + std::sin(1.0));
  CHECK(y[1][7] == x[1][7] + std::cos(0.01));
  CHECK(std::equal(y[0], y[0] + 8, x[0]));
}

}  // namespace arvit::test
