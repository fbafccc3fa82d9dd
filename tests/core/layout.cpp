// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/layout.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "arvit/core/cursor.hpp"

using namespace arvit;

namespace {
struct Leaf {
  template <class C> struct Parameters {
    typename C::template MatrixView<4> weight;  // [3, 4]
    typename C::template BiasView<3> bias;
    constexpr explicit Parameters(C& at)
        : weight(at.template matrix<3, 4>({"weight", {Init::normal, 0.5}, {3, 2, 2}})),
          bias(at.template bias<3>({"bias"})) {}
  };
};
/// A token, leaves that repeat, a leaf that may be missing, and a vector.
template <bool Has> struct Whole {
  template <class C> struct Parameters {
    typename C::template VectorView<4> token;
    typename Repeated<Leaf, 12>::template Parameters<C> leaves;
    typename Leaf::template Parameters<C> extra;  // meaningless unless Has
    typename C::template VectorView<2> gamma;
    constexpr explicit Parameters(C& at)
        : token(at.template token<4>({"token", {Init::normal, 0.02}})),
          leaves(at.in("leaf.{}.")),
          extra(at.template in_if<Has>("extra.")),
          gamma(at.template vector<2>({"gamma", {Init::ones}})) {}
  };
};
}  // namespace

TEST_CASE("layout: one list gives the count, the names and the places of the views") {
  static_assert(count_of<Leaf>() == 15);
  static_assert(count_of<Whole<true>>() == 4 + 12 * 15 + 15 + 2);
  static_assert(count_of<Whole<false>>() == 4 + 12 * 15 + 2);
  const auto all = tensors_of<Whole<true>>();
  REQUIRE(all.size() == 1 + 12 * 2 + 2 + 1);
  CHECK(all.front().name == "token");
  CHECK(all.front().tensor.shape == std::array<std::int64_t, 4>{1, 1, 4});
  CHECK(all.front().tensor.decay);
  CHECK(all[2 * 10 + 1].name == "leaf.10.weight");
  CHECK(all[2 * 10 + 1].tensor.shape == std::array<std::int64_t, 4>{3, 2, 2});
  CHECK(all[2 * 10 + 1].tensor.init.value == 0.5);
  CHECK(all[2 * 10 + 1].tensor.decay);
  CHECK(all[25].name == "extra.weight");
  CHECK(all[26].name == "extra.bias");
  CHECK_FALSE(all[26].tensor.decay);
  CHECK(all.back().name == "gamma");
  CHECK_FALSE(all.back().tensor.decay);

  std::vector<float> buffer(count_of<Whole<true>>());
  Cursor<float, float, HostSpace> at(buffer.data(), buffer.data());
  const Whole<true>::Parameters<Cursor<float, float, HostSpace>> views(at);
  CHECK(at.offset() == count_of<Whole<true>>());
  CHECK(views.token.data() == buffer.data());
  for (int i = 0; i < 12; ++i)
    CHECK(views.leaves[i].weight.data() == buffer.data() + all[2 * i + 1].offset);
  CHECK(views.leaves[11].bias.wide.data() == buffer.data() + all[24].offset);
  CHECK(views.extra.weight.data() == buffer.data() + all[25].offset);
  CHECK(views.gamma.data() == buffer.data() + all[27].offset);
}

TEST_CASE("layout: what is missing has no place, and views of nothing") {
  const auto all = tensors_of<Whole<false>>();
  CHECK(all.size() == 1 + 12 * 2 + 1);
  CHECK(all.back().offset == count_of<Whole<false>>() - 2);
  std::vector<float> buffer(count_of<Whole<false>>());
  Cursor<float, float, HostSpace> at(buffer.data(), buffer.data());
  const Whole<false>::Parameters<Cursor<float, float, HostSpace>> views(at);
  CHECK(at.offset() == count_of<Whole<false>>());
  CHECK(views.extra.weight.data() == nullptr);
  CHECK(views.gamma.data() == buffer.data() + all.back().offset);
}
