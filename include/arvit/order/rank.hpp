// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/core/rows.hpp"
#include "arvit/core/segment.hpp"

/// The rank law, and the only file that knows what a mask is.
///
/// Every token has an integer rank. A content reader i sees content j iff rank[j] <= rank[i]; a
/// query sees content iff rank[j] < rank[i] (or <=). When the tokens of an image are sorted by
/// rank, what row i sees is a prefix of the keys: `limit[i]` of them. So no mask matrix exists
/// anywhere; a batch is a ragged pack of rows, segments and limits.
///
/// A *profile* lists where the groups of equal rank end: ends[g] patches have rank <= g. ends[0]
/// may be 0; rank 0 also holds the class token, unless that is last. All tables follow from the
/// profiles and from what the decoder declares.
namespace arvit {

/// itself: no attention, the rows of the stream are those of the content.
enum class Sees : char { nothing, before, up_to, itself };
/// first: rank 0. last: it joins the last encoded group (D-iGPT).
enum class ClassToken : char { none, first, last };

/// One stream of queries of a decoder. Groups 1 .. last carry queries, except the first
/// `drop_first` and the last `drop_last` of them.
struct QueryStream {
  Sees content = Sees::before;   ///< what a query sees of the content
  Sees queries = Sees::nothing;  ///< what it sees of the queries of its own stream
  int drop_first = 0, drop_last = 0;
  bool class_query = false;   ///< one more query, of the stream's last rank, after the patches
  bool every_prefix = false;  ///< the queries up to rank c once for each c, at rank c, reading each
                              ///< other within c alone (D-iGPT Eq. 7)
};

/// Which containers hold the tables: vectors on the host, spans on a device.
struct HostLists {
  template <class T> using List = std::vector<T>;
};
template <class Space> struct DeviceLists { template <class T> using List = Span<const T, Space>; };

template <class L> struct Attend {
  typename L::template List<Segment> segments;
  typename L::template List<std::int32_t> limit;
  ReachExtents extents;
};
/// Appends a segment whose queries have their limits already.
inline void append_segment(Attend<HostLists>& to, const Segment& segment) {
  to.segments.push_back(segment);
  to.extents.add(segment, to.limit.data());
}

/// `source` of a packed row: image * patches + place in the image's order, or -1 - image for a
/// class token. `content_row`, with whole_content alone: the content row of the same token.
template <class L> struct StreamTables {
  typename L::template List<std::int32_t> source, content_row;
  Attend<L> content, queries;
};

/// Latents and mask tokens in one sequence per image (MAE): class token, visible patches, masked
/// patches; all see all.
template <class L> struct JointTables {
  typename L::template List<std::int32_t> source;
  typename L::template List<std::int32_t> of_content, of_query;  ///< their joint rows
  Attend<L> self, last;  ///< last: the rows of stream 0 read the joint rows
};

template <class L, std::size_t Streams> struct RankTables {
  typename L::template List<std::int32_t> source, class_rows;
  Attend<L> content;
  std::array<StreamTables<L>, Streams> streams;
  JointTables<L> joint;
};

/// Calls visit(list of a, list of b) for every pair of lists, in a fixed order; b gets the extents
/// of a.
template <class A, class B, std::size_t Streams, class Visit>
constexpr void for_each_list(RankTables<A, Streams>& a, RankTables<B, Streams>& b, Visit&& visit) {
  const auto attend = [&](auto& x, auto& y) {
    visit(x.segments, y.segments);
    visit(x.limit, y.limit);
    y.extents = x.extents;
  };
  visit(a.source, b.source);
  visit(a.class_rows, b.class_rows);
  attend(a.content, b.content);
  for (std::size_t s = 0; s < Streams; ++s) {
    visit(a.streams[s].source, b.streams[s].source);
    visit(a.streams[s].content_row, b.streams[s].content_row);
    attend(a.streams[s].content, b.streams[s].content);
    attend(a.streams[s].queries, b.streams[s].queries);
  }
  visit(a.joint.source, b.joint.source);
  visit(a.joint.of_content, b.joint.of_content);
  visit(a.joint.of_query, b.joint.of_query);
  attend(a.joint.self, b.joint.self);
  attend(a.joint.last, b.joint.last);
}

/// What a decoder asks of the engine.
template <std::size_t Streams> struct RankRules {
  ClassToken class_token = ClassToken::first;
  std::array<QueryStream, Streams> streams{};
  bool joint = false;  ///< the tables of one sequence of latents and mask tokens (MAE)
  /// Every token is content and all see all; ranks say only what is predicted (SimMIM).
  bool whole_content = false;
  /// Tokens of rank 0 before the patches where class_token is first: the class token, conditions.
  int leading = 1;
  /// Content that no query reads is computed all the same, behind the rest: no result depends on
  /// it.
  bool keep_dead = false;
};

/// What a decoder asks of the engine for an encoder with that many tokens before the patches; they
/// may come where it knows no class token.
template <std::size_t Streams>
constexpr RankRules<Streams> with_leading(RankRules<Streams> rules, int leading) {
  if (rules.class_token == ClassToken::none && leading > 0) rules.class_token = ClassToken::first;
  if (rules.class_token == ClassToken::first) rules.leading = leading;
  return rules;
}

namespace detail {
/// The ranks first..last that carry queries; empty when first > last.
struct QueryRanks {
  int first, last;
};
constexpr QueryRanks query_ranks(const QueryStream& stream, int groups) {
  return {1 + stream.drop_first, groups - 1 - stream.drop_last};
}

/// The highest rank whose content some query reads; -1 when nothing is read. Content above it is
/// dead: never computed.
template <std::size_t Streams>
constexpr int live_rank(const RankRules<Streams>& rules, int groups) {
  if (rules.whole_content) return groups - 1;
  int live = -1;
  for (const QueryStream& stream : rules.streams) {
    const auto [first, last] = query_ranks(stream, groups);
    if (stream.content == Sees::itself) live = std::max(live, last);
    if (first > last || stream.content == Sees::nothing) continue;
    live = std::max(live, stream.content == Sees::before ? last - 1 : last);
  }
  return live;
}
template <std::size_t Streams> constexpr int class_rows(const RankRules<Streams>& rules) {
  return rules.class_token == ClassToken::first ? rules.leading
                                                : rules.class_token == ClassToken::last;
}
constexpr int patches_up_to(std::span<const int> ends, int rank) {
  return rank < 0 ? 0 : ends[rank];
}
}  // namespace detail

/// Rows that one image of this profile adds to the content and to each stream.
template <std::size_t Streams> struct RowCounts {
  std::int64_t content = 0;
  std::array<std::int64_t, Streams> queries{};
};
template <std::size_t Streams>
constexpr RowCounts<Streams> count_rows(const RankRules<Streams>& rules,
                                        std::span<const int> ends) {
  const int groups = static_cast<int>(ends.size());
  RowCounts<Streams> count;
  const int class_rows = detail::class_rows(rules);
  count.content = detail::patches_up_to(
                      ends, rules.keep_dead ? groups - 1 : detail::live_rank(rules, groups)) +
                  class_rows;
  for (std::size_t s = 0; s < Streams; ++s) {
    const QueryStream& stream = rules.streams[s];
    const auto [first, last] = detail::query_ranks(stream, groups);
    if (stream.content == Sees::itself)
      count.queries[s] = detail::patches_up_to(ends, last) + class_rows;
    else if (first <= last) {
      for (int rank = stream.every_prefix ? first : last; rank <= last; ++rank)
        count.queries[s] += ends[rank] - ends[first - 1];
      count.queries[s] += stream.class_query;
    }
  }
  return count;
}

/// Appends one image to the tables. `image` counts from 0 in the order of the calls; clear() starts
/// a new batch.
template <std::size_t Streams> class RankEngine {
 public:
  RankEngine(RankRules<Streams> rules, int patches, int most_images)
      : rules_(rules), patches_(patches) {
    const std::size_t rows = std::size_t(most_images) * (patches + rules.leading);
    for_each_list(tables_, tables_, [&](auto& list, auto&) { list.reserve(rows); });
  }

  void clear() {
    for_each_list(tables_, tables_, [](auto& list, auto&) { list.clear(); });
    each_attend([](Attend<HostLists>& attend) { attend.extents = {}; });
    images_ = 0;
  }

  void append(std::span<const int> ends) {
    check(ends);
    const int groups = static_cast<int>(ends.size()), live = detail::live_rank(rules_, groups),
              kept = rules_.keep_dead ? groups - 1 : live;
    const int first = leading(), last = rules_.class_token == ClassToken::last;
    const std::int32_t image = images_++, from = image * patches_;
    // The number of keys that a reader of ranks <= rank may read.
    const auto prefix = [&](int rank) {
      const int seen = rules_.whole_content ? kept : std::min(rank, kept);
      return first + detail::patches_up_to(ends, seen) + (seen >= live ? last : 0);
    };

    auto& content = tables_.content;
    const auto content_begin = size(tables_.source);
    for (int token = 0; token < first; ++token) class_row(image, prefix(0));
    for (int rank = -1, slot = 0; rank <= kept; ++rank) {
      for (; slot < detail::patches_up_to(ends, rank); ++slot) {
        tables_.source.push_back(from + slot);
        content.limit.push_back(prefix(rank));
      }
      if (last && rank == live) class_row(image, prefix(live));
    }
    const auto content_end = size(tables_.source);
    append_segment(content, {content_begin, content_end, content_begin, content_end});

    for (std::size_t s = 0; s < Streams; ++s)
      append_stream(s, ends, image, content_begin, content_end, prefix);
    if (rules_.joint) append_joint(ends, image);
  }

  /// One image whose tokens all see all, in reading order: the unmasked pass (order, features).
  void append_whole() {
    const std::int32_t image = images_++, begin = size(tables_.source),
                       first = detail::class_rows(rules_);
    for (int token = 0; token < first; ++token) class_row(image, patches_ + first);
    for (int slot = 0; slot < patches_; ++slot) {
      tables_.source.push_back(image * patches_ + slot);
      tables_.content.limit.push_back(patches_ + first);
    }
    append_segment(tables_.content, {begin, size(tables_.source), begin, size(tables_.source)});
  }

  RankTables<HostLists, Streams>& tables() { return tables_; }
  const RankTables<HostLists, Streams>& tables() const { return tables_; }
  const RankRules<Streams>& rules() const { return rules_; }
  int images() const { return images_; }

 private:
  template <class Visit> void each_attend(const Visit& visit) {
    visit(tables_.content);
    for (auto& stream : tables_.streams) {
      visit(stream.content);
      visit(stream.queries);
    }
    visit(tables_.joint.self);
    visit(tables_.joint.last);
  }
  int leading() const { return rules_.class_token == ClassToken::first ? rules_.leading : 0; }
  template <class T> static std::int32_t size(const std::vector<T>& list) {
    return static_cast<std::int32_t>(list.size());
  }

  void check(std::span<const int> ends) const {
    if (ends.empty() || ends.back() != patches_ || ends.front() < 0 ||
        !std::is_sorted(ends.begin(), ends.end()))
      fail<ShapeError>("rank profile ", shape_text(ends),
                       ": group ends must not decrease and must close at the grid's ", patches_,
                       " patches.");
  }
  void class_row(std::int32_t image, std::int32_t limit) {
    tables_.class_rows.push_back(size(tables_.source));
    tables_.source.push_back(-1 - image);
    tables_.content.limit.push_back(limit);
  }
  template <class Prefix>
  void append_stream(std::size_t s, std::span<const int> ends, std::int32_t image,
                     std::int32_t k_begin, std::int32_t k_end, Prefix prefix) {
    const QueryStream& rule = rules_.streams[s];
    StreamTables<HostLists>& stream = tables_.streams[s];
    const auto ranks = detail::query_ranks(rule, static_cast<int>(ends.size()));
    if (rule.content == Sees::itself) {
      stream.source.insert(stream.source.end(), tables_.source.begin() + k_begin,
                           tables_.source.begin() + k_begin + prefix(ranks.last));
      return;
    }
    const int first = ranks.first, last = ranks.last;  // clang 14 captures no structured bindings
    const std::int32_t begin = size(stream.source);
    const std::int32_t patch_rows = k_begin + leading();
    // A query that reads as one of rank `at`.
    const auto query = [&](std::int32_t source, int at) {
      stream.source.push_back(source);
      if (rules_.whole_content)
        stream.content_row.push_back(source < 0 ? tables_.class_rows.back()
                                                : patch_rows + source - image * patches_);
      if (rule.content != Sees::nothing)
        stream.content.limit.push_back(prefix(rule.content == Sees::before ? at - 1 : at));
      if (rule.queries == Sees::nothing) return;
      const int read = rule.queries == Sees::before ? at - 1 : at;
      stream.queries.limit.push_back(
          read < first ? 0 : ends[read] - ends[first - 1] + (read >= last && rule.class_query));
    };
    for (int top = rule.every_prefix ? first : std::max(first, last); top <= last; ++top) {
      const std::int32_t block = size(stream.source);
      for (int rank = first; rank <= top; ++rank)
        for (int slot = ends[rank - 1]; slot < ends[rank]; ++slot)
          query(image * patches_ + slot, rule.every_prefix ? top : rank);
      if (top == last && rule.class_query) query(-1 - image, last);
      if (rule.queries != Sees::nothing)
        append_segment(stream.queries, {block, size(stream.source), block, size(stream.source)});
    }
    if (rule.content != Sees::nothing)
      append_segment(stream.content, {begin, size(stream.source), k_begin, k_end});
  }
  void append_joint(std::span<const int> ends, std::int32_t image) {
    if (ends.size() != 2 || rules_.class_token == ClassToken::last)
      fail<ShapeError>(
          "joint decoder: ", ends.size(),
          " groups; it needs two, visible and masked, and no class token or one of rank 0.");
    JointTables<HostLists>& joint = tables_.joint;
    const std::int32_t begin = size(joint.source), first = leading(), tokens = patches_ + first,
                       latents = ends[0] + first;
    joint.source.insert(joint.source.end(), first, -1 - image);
    for (int slot = 0; slot < patches_; ++slot) joint.source.push_back(image * patches_ + slot);
    joint.self.limit.insert(joint.self.limit.end(), tokens, tokens);
    append_segment(joint.self, {begin, begin + tokens, begin, begin + tokens});
    for (std::int32_t i = 0; i < latents; ++i) joint.of_content.push_back(begin + i);
    const std::int32_t q_begin = size(joint.of_query), queries = tokens - latents;
    for (std::int32_t i = latents; i < tokens; ++i) joint.of_query.push_back(begin + i);
    joint.last.limit.insert(joint.last.limit.end(), queries, tokens);
    append_segment(joint.last, {q_begin, q_begin + queries, begin, begin + tokens});
  }

  RankRules<Streams> rules_;
  int patches_, images_ = 0;
  RankTables<HostLists, Streams> tables_;
};
#if defined(ARVIT_COMPILED)
extern template class RankEngine<1>;
extern template class RankEngine<2>;
#endif

/// Sorts given patch ranks (any integers >= 0, 0 meaning rank 0; gaps allowed): group ends and the
/// patches in sorted order.
inline void profile_of_ranks(std::span<const int> ranks, std::vector<int>& ends,
                             std::vector<std::int32_t>& permutation) {
  const int patches = static_cast<int>(ranks.size());
  permutation.resize(patches);
  for (int i = 0; i < patches; ++i) permutation[i] = i;
  std::stable_sort(permutation.begin(), permutation.end(),
                   [&](int a, int b) { return ranks[a] < ranks[b]; });
  ends.clear();
  if (patches > 0 && ranks[permutation.front()] < 0)
    fail<ShapeError>("ranks: ", ranks[permutation.front()], " is negative; ranks count from 0.");
  if (patches == 0 || ranks[permutation.front()] > 0)
    ends.push_back(0);  // rank 0 holds the class token alone
  for (int i = 0; i < patches; ++i)
    if (i + 1 == patches || ranks[permutation[i + 1]] != ranks[permutation[i]])
      ends.push_back(i + 1);
}

/// A profile of groups of `size` patches, which must divide `patches`; rank 0 holds no patch.
constexpr int equal_groups(int patches, int size, std::span<int> ends) {
  for (int rank = 0; rank <= patches / size; ++rank) ends[rank] = rank * size;
  return patches / size + 1;
}
constexpr int one_patch_per_group(int patches, std::span<int> ends) {
  return equal_groups(patches, 1, ends);
}

/// An order: a profile, known on the host from counters alone. profile() fills cumulative ends, of
/// rank 0 first (0 where no patch has it), and returns how many. fixed_profile: all images have the
/// same one. Where they vary, every group of rank >= 1 holds a patch; see extreme_profile.
template <class O, class Grid>
concept Order = requires(Counter image, std::span<int> ends) {
  { O::fixed_profile } -> std::convertible_to<bool>;
  { O::template profile<Grid>(image, ends) } -> std::same_as<int>;
};
/// Whether the order can be drawn on the grid; one that asks something of it says so, `template
/// <class Grid> static constexpr bool fits`, and asserts it in profile().
template <class O, class Grid> constexpr bool order_fits() {
  if constexpr (requires { O::template fits<Grid>; })
    return O::template fits<Grid>;
  else
    return true;
}
/// ... and keys from counters alone: the patches are sorted by key, ascending, ties in reading
/// order.
template <class O, class Grid>
concept KeyOrder = Order<O, Grid> && requires(Counter image, std::span<float> key) {
  O::template keys<Grid>(image, key);
};

/// The profiles that memory is planned for. Where profiles vary there is one, with one patch per
/// group: no profile that the order draws adds more rows to the content or to a stream, for the
/// content that nobody reads and the queries that a decoder drops are fewest in it. A stream of
/// every prefix would get as many prefixes as there are patches; for an order that says how many
/// `groups` it predicts at most there are two more, all patches but `groups` in the first two. An
/// order whose rows lie linearly between few profiles names these instead: `extremes` of them,
/// `template <class Grid> static int extreme(int which, std::span<int> ends)`.
template <class O> constexpr int extremes() {
  if constexpr (requires { O::extremes; })
    return O::extremes;
  else
    return 1;
}
template <class O, class Grid, std::size_t Streams>
constexpr int extreme_profile(int which, const RankRules<Streams>& rules, std::span<int> ends) {
  if constexpr (O::fixed_profile) {
    return O::template profile<Grid>(Counter{}, ends);
  } else if constexpr (requires { O::extremes; }) {
    return O::template extreme<Grid>(which, ends);
  } else {
    if constexpr (requires { O::groups; }) {
      if (std::any_of(rules.streams.begin(), rules.streams.end(),
                      [](const QueryStream& stream) { return stream.every_prefix; }) &&
          O::groups + 2 < Grid::patches) {
        ends[0] = 0;
        ends[1] = 1;
        for (int left = O::groups; left >= 0; --left)
          ends[O::groups + 2 - left] = Grid::patches - left;
        return O::groups + 3;
      }
    }
    return one_patch_per_group(Grid::patches, ends);
  }
}

}  // namespace arvit
