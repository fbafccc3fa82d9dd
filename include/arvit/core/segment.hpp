// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "arvit/core/error.hpp"
#include "arvit/core/rows.hpp"

namespace arvit {

/// One piece of an attention: queries q_begin..q_end read keys from k_begin..k_end; query row i
/// only the first limit[i] of them.
struct Segment {
  std::int32_t q_begin, q_end, k_begin, k_end;
};

/// What a device must know of segments and limits before it starts: they are in its own memory.
struct ReachExtents {
  int longest_queries = 0, longest_keys = 0;  ///< at least those of any segment
  std::int64_t pairs = 0;                     ///< of a query and a key that it reads
  constexpr void add(const Segment& segment, const std::int32_t* limit) {
    longest_queries = std::max(longest_queries, segment.q_end - segment.q_begin);
    longest_keys = std::max(longest_keys, segment.k_end - segment.k_begin);
    for (std::int32_t i = segment.q_begin; i < segment.q_end; ++i) pairs += limit[i];
  }
};

/// Attention of one call: who reads which prefix.
template <class Space> struct Reach {
  Span<const Segment, Space> segments;
  Span<const std::int32_t, Space> limit;
  ReachExtents extents;
};

/// ShapeError unless segments and limits, on the host, fit these numbers of queries and keys and
/// their own extents.
inline void check_reach(std::string_view name, const Reach<HostSpace>& reach, std::int64_t queries,
                        std::int64_t keys) {
  // In a plan, which has extents without numbers; a list that is empty is looked at.
  if (reach.segments.data() == nullptr && !reach.segments.empty()) return;
  ReachExtents found;
  for (const Segment& s : reach.segments) {
    if (s.q_begin < 0 || s.q_begin > s.q_end || s.q_end > queries || s.k_begin < 0 ||
        s.k_begin > s.k_end || s.k_end > keys)
      fail<ShapeError>(name, ": segment of queries ", s.q_begin, "..", s.q_end, " and keys ",
                       s.k_begin, "..", s.k_end, " lies outside ", queries, " queries and ", keys,
                       " keys.");
    for (std::int64_t i = s.q_begin; i < s.q_end; ++i)
      if (reach.limit[i] < 0 || reach.limit[i] > s.k_end - s.k_begin)
        fail<ShapeError>(name, ": query ", i, " may read ", reach.limit[i],
                         " keys, its segment has ", s.k_end - s.k_begin, ".");
    found.add(s, reach.limit.data());
  }
  if (found.longest_queries > reach.extents.longest_queries ||
      found.longest_keys > reach.extents.longest_keys)
    fail<ShapeError>(name, ": a segment has ", found.longest_queries, " queries or ",
                     found.longest_keys, " keys, the call was announced with ",
                     reach.extents.longest_queries, " and ", reach.extents.longest_keys,
                     "; keep the extents with ReachExtents::add.");
}
/// ShapeError unless the key ranges of segments, on the host, ascend and do not overlap.
inline void check_ascending(std::string_view name, Span<const Segment> segments) {
  if (segments.data() == nullptr) return;  // empty, or of a plan
  std::int32_t covered = 0;
  for (const Segment& s : segments) {
    if (s.k_begin < covered)
      fail<ShapeError>(name, ": a segment's keys begin at ", s.k_begin,
                       ", inside or before those of another, which end at ", covered,
                       "; key ranges must ascend and not overlap.");
    covered = s.k_end;
  }
}

}  // namespace arvit
