// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/rank.hpp"

#include <doctest/doctest.h>

namespace arvit::test {
namespace {

TEST_CASE("rank: the engine keeps the longest segment and the pairs of every attention") {
  RankEngine<1> engine(RankRules<1>{ClassToken::first, {QueryStream{}}}, 4, 2);
  const int even[] = {0, 2, 4}, uneven[] = {1, 2, 4};  // ends of the groups
  for (int round = 0; round < 2; ++round) {            // clear() forgets them
    engine.clear();
    engine.append(even);
    engine.append(uneven);
    const auto& tables = engine.tables();
    // Live content: the class token and the patches before the last group.
    const ReachExtents content = tables.content.extents;
    CHECK(content.longest_queries == 3);
    CHECK(content.longest_keys == 3);
    CHECK(content.pairs == (1 + 3 + 3) + (2 + 2 + 3));
    const ReachExtents queries = tables.streams[0].content.extents;
    CHECK(queries.longest_queries == 4);
    CHECK(queries.longest_keys == 3);
    CHECK(queries.pairs == (1 + 1 + 3 + 3) + (2 + 3 + 3));
    const auto& attend = tables.streams[0].content;
    const Reach<HostSpace> reach{
        {attend.segments.data(), static_cast<std::int64_t>(attend.segments.size())},
        {attend.limit.data(), static_cast<std::int64_t>(attend.limit.size())},
        attend.extents};
    CHECK_NOTHROW(check_reach("attention", reach, 7, 6));
    CHECK_NOTHROW(check_ascending("attention", reach.segments));
  }
}

TEST_CASE("rank: whole images see all of themselves") {
  RankEngine<1> engine(RankRules<1>{}, 4, 3);
  for (int image = 0; image < 3; ++image) engine.append_whole();
  const ReachExtents extents = engine.tables().content.extents;
  CHECK(extents.longest_queries == 5);
  CHECK(extents.longest_keys == 5);
  CHECK(extents.pairs == 3 * 25);
}

}  // namespace
}  // namespace arvit::test
