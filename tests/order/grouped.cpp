// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/grouped.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <concepts>

#include "arvit/core/grid.hpp"
#include "support/drawn_order.hpp"

namespace arvit::test {
namespace {

using B16 = ImageGrid<224, 224, 16>;
using Sixteen = ImageGrid<4, 4, 1>;
static_assert(KeyOrder<Grouped<Fixed<20>>, B16> && Grouped<Fixed<20>>::fixed_profile);
static_assert(KeyOrder<Grouped<Random<20>, FixedSequence>, B16> &&
              !Grouped<Random<20>>::fixed_profile);
static_assert(KeyOrder<Grouped<Mixed<20>>, B16> && !Grouped<Mixed<20>>::fixed_profile);

template <class Kind, class Grid = B16> std::vector<int> ends_of(std::uint32_t image) {
  return drawn_ends<Grouped<Kind>, Grid>({.seed = 11, .image = image});
}

struct Spread {
  double sum = 0, squares = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return sum / count; }
  double deviation() const { return std::sqrt(squares / count - mean() * mean()); }
};

TEST_CASE("grouped: the boundaries of fixed length") {
  CHECK(ends_of<Fixed<1>>(0) == std::vector<int>{98, 196});
  CHECK(ends_of<Fixed<5>>(0) == std::vector<int>{32, 65, 98, 130, 163, 196});
  CHECK(ends_of<Fixed<20>>(0) == std::vector<int>{9,   18,  28,  37,  46,  56,  65,
                                                  74,  84,  93,  102, 112, 121, 130,
                                                  140, 149, 158, 168, 177, 186, 196});
  const std::vector<int> single = ends_of<Fixed<196>>(0);
  REQUIRE(single.size() == 197);
  for (int k = 0; k <= 196; ++k) CHECK(single[k] == k);
  CHECK(ends_of<Fixed<20>>(1) == ends_of<Fixed<20>>(0));
}
TEST_CASE("grouped: GVP's matrices 14 and 17 in a fixed sequence") {
  // Ranks behind the condition token, which reads and is read like rank 0; tests/order/mask.cpp has
  // the masks of these ranks.
  using Grid = ImageGrid<2, 3, 1>;
  CHECK(drawn_ranks<Grouped<Fixed<5>, FixedSequence>, Grid>({}) ==
        std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK(drawn_ranks<Grouped<Fixed<2>, FixedSequence>, Grid>({}) ==
        std::vector<int>{0, 0, 1, 1, 2, 2});
}
TEST_CASE("grouped: random length draws every set of boundaries equally often") {
  std::map<std::vector<int>, int> seen;
  bool ascending = true;
  for (std::uint32_t image = 0; image < 20000; ++image) {
    const std::vector<int> ends = ends_of<Random<3>, Sixteen>(image);
    ascending = ascending && ends.size() == 4 && 1 <= ends[0] && ends[0] < ends[1] &&
                ends[1] < ends[2] && ends[2] < 16 && ends[3] == 16;
    ++seen[ends];
  }
  CHECK(ascending);
  CHECK(seen.size() == 455);  // 3 of 15
  CHECK(chi_squared_excess(seen, 455) < 5);
  const std::vector<int> all = ends_of<Random<15>, Sixteen>(0);
  for (int k = 0; k <= 15; ++k) CHECK(all[k] == k + 1);
}
TEST_CASE("grouped: mixed length, 196 patches in 20 groups") {
  Spread condition, last_boundary, last_group, other_groups;
  bool ascending = true;
  for (std::uint32_t image = 0; image < 20000; ++image) {
    const std::vector<int> ends = ends_of<Mixed<20>>(image);
    REQUIRE(ends.size() == 21);
    ascending = ascending && ends[0] >= 1 && ends[20] == 196;
    for (std::size_t k = 1; k <= 20; ++k) ascending = ascending && ends[k - 1] < ends[k];
    condition.add(ends[0]);
    last_boundary.add(ends[19]);
    last_group.add(ends[20] - ends[19]);
    for (std::size_t k = 1; k < 20; ++k) other_groups.add(ends[k] - ends[k - 1]);
  }
  // The mean of 20000 errs by 0.14 for n_{K-1}, by 0.04 for n_0.
  CHECK(ascending);
  CHECK(std::abs(condition.mean() - 4.9) < 0.15);
  CHECK(std::abs(last_boundary.mean() - 98) < 0.6);
  CHECK(std::abs(last_boundary.deviation() - 19.6) < 0.4);
  CHECK(std::abs(last_group.mean() - 98) < 0.6);
  CHECK(std::abs(other_groups.mean() - 4.9) < 0.05);
}
TEST_CASE("grouped: mixed length keeps K groups and one last patch") {
  std::map<int, int> last;
  for (std::uint32_t image = 0; image < 1000; ++image)
    ++last[ends_of<Mixed<14>, Sixteen>(image)[13]];  // 8 on average: outside [14, 15]
  CHECK(last.begin()->first == 14);
  CHECK(last[14] > 990);
  struct Far {
    double normal() const { return 6; }
    std::uint32_t below(std::uint32_t) const { return 0; }
  } far;
  std::array<int, 3> n;
  Mixed<3>::boundaries(16, far, n);
  CHECK(n == std::array{1, 2, 15});
  const std::vector<int> all = ends_of<Mixed<15>, Sixteen>(0);
  for (int k = 0; k <= 15; ++k) CHECK(all[k] == k + 1);
}
TEST_CASE("grouped: boundaries and sequence follow from the counter, apart from each other") {
  using O = Grouped<Mixed<20>>;
  const Counter image{3, 1, 4};
  CHECK(drawn_ends<O, B16>(image) == drawn_ends<O, B16>({3, 1, 4}));
  CHECK(drawn_ends<O, B16>(image) != drawn_ends<O, B16>({3, 1, 5}));
  CHECK(drawn_ends<O, B16>(image) != drawn_ends<O, B16>({3, 2, 4}));
  CHECK(drawn_ends<O, B16>(image) == drawn_ends<Grouped<Mixed<20>, FixedSequence>, B16>(image));
  std::vector<int> n(21, 196);
  Stream groups(image.with(Purpose::groups));
  Mixed<20>::boundaries(196, groups, std::span<int>(n).first(20));
  CHECK(drawn_ends<O, B16>(image) == n);
  CHECK(drawn_keys<O, B16>(image) == drawn_keys<Stochastic, B16>(image));
  CHECK(drawn_keys<O, B16>(image) != drawn_keys<O, B16>({3, 1, 5}));
  const auto patches = sorted_patches(drawn_keys<Grouped<Mixed<20>, FixedSequence>, B16>(image));
  CHECK(std::is_sorted(patches.begin(), patches.end()));
}

/// Rows of `drawn` are at most those of the largest profile; returns whether they are as many in
/// the content.
template <class Kind, std::size_t Streams>
bool check_at_most(const RankRules<Streams>& rules, const std::vector<int>& drawn) {
  std::vector<int> largest(17);
  largest.resize(extreme_profile<Grouped<Kind>, Sixteen>(0, rules, std::span<int>(largest)));
  const auto rows = count_rows(rules, std::span<const int>(drawn)),
             most = count_rows(rules, std::span<const int>(largest));
  CHECK(rows.content <= most.content);
  for (std::size_t s = 0; s < Streams; ++s) CHECK(rows.queries[s] <= most.queries[s]);
  return rows.content == most.content;
}
TEST_CASE_TEMPLATE("grouped: no drawn profile has more rows than the largest, for any decoder",
                   Kind, Random<1>, Random<5>, Random<14>, Mixed<1>, Mixed<5>, Mixed<14>) {
  bool reached = false;
  for (std::uint32_t image = 0; image < 300; ++image) {
    const std::vector<int> ends = ends_of<Kind, Sixteen>(image);
    const bool full = check_at_most<Kind>(RankRules<1>{}, ends);  // SAIM's
    reached = reached || full;
    for (const int drop_last : {0, 1})  // D-iGPT's
      for (const bool every_prefix : {false, true})
        check_at_most<Kind>(
            RankRules<2>{ClassToken::last,
                         {QueryStream{Sees::before, Sees::up_to, 1, 0, true},
                          QueryStream{Sees::up_to, Sees::up_to, 0, drop_last, true, every_prefix}}},
            ends);
    check_at_most<Kind>(
        RankRules<1>{ClassToken::none, {QueryStream{.drop_first = 1, .drop_last = 2}}}, ends);
  }
  if constexpr (std::same_as<Kind, Random<Kind::groups>>) CHECK(reached);  // the bound is not idle
}

TEST_CASE(
    "grouped: the largest profile has few more rows than one that is drawn, for queries of every "
    "prefix") {
  const RankRules<1> rules{ClassToken::last,
                           {QueryStream{Sees::up_to, Sees::up_to, 0, 1, true, true}}};
  std::vector<int> largest(197), drawn(21);
  largest.resize(extreme_profile<Grouped<Random<20>>, B16>(0, rules, std::span<int>(largest)));
  for (int k = 0; k <= 20; ++k) drawn[k] = 176 + k;  // groups that end as late as can be
  const auto rows = count_rows(rules, std::span<const int>(largest)).queries[0];
  drawn[0] = 1;
  const auto most = count_rows(rules, std::span<const int>(drawn)).queries[0];
  CHECK(most <= rows);
  CHECK(rows <= most + 2 * 196);  // and not the 19110 of one patch per group
}

}  // namespace
}  // namespace arvit::test
