// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/cursor.hpp"

#include <doctest/doctest.h>

#include "arvit/core/dtype.hpp"

using namespace arvit;

TEST_CASE("cursor: a bias is both of its copies, at one place of the layout") {
  float masters[20] = {};
  bf16 weights[20];
  Cursor<const bf16, const float, HostSpace> at(weights, masters);
  at.matrix<3, 4>({"weight"});
  const auto bias = at.bias<6>({"bias"});
  CHECK(at.offset() == 18);
  CHECK(bias.wide.data() == masters + 12);
  CHECK(bias.narrow.data() == weights + 12);
  const auto part = bias.part<2, 5>();
  CHECK(part.wide.data() == masters + 14);
  CHECK(part.narrow.data() == weights + 14);
  const BiasSpans<const bf16, const float, HostSpace> spans = part;
  CHECK(spans.size() == 3);
  CHECK(spans.narrow.size() == 3);
  Cursor<const bf16, const float, HostSpace> planned(nullptr, nullptr);
  CHECK(planned.bias<2>({"bias"}).narrow.data() == nullptr);
}
