// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arvit/order/rank.hpp"

/// Masks for people: who reads whom, unfolded from the tables that attention runs on. Nothing of
/// the library computes with these.
namespace arvit {

/// The class token among tokens that are numbered in reading order.
inline constexpr std::int32_t class_token_of_mask = -1;

/// One reader and the tokens it reads.
struct MaskRow {
  std::int32_t reader;
  std::vector<std::int32_t> reads;
};
using Mask = std::vector<MaskRow>;

struct StreamMasks {
  /// What queries see of the content, and of each other; empty where the stream reads none.
  Mask content, queries;
};
/// The masks of one image. A reader that is missing is not computed: nobody reads it, or it carries
/// no loss.
struct ImageMasks {
  Mask content;
  std::vector<StreamMasks> streams;
  Mask joint;  ///< the joint decoder's sequence; empty without one
};

/// Runs the engine on one image: group ends as profile_of_ranks gives them, `permutation` the patch
/// in each sorted place.
template <std::size_t Streams>
ImageMasks image_masks(const RankRules<Streams>& rules, std::span<const int> ends,
                       std::span<const std::int32_t> permutation) {
  const int patches = static_cast<int>(permutation.size());
  RankEngine<Streams> engine(rules, patches, 1);
  engine.append(ends);
  const auto& tables = engine.tables();
  const auto token = [&](std::int32_t source) {
    return source < 0 ? class_token_of_mask : permutation[source];
  };
  const auto unfold = [&](const Attend<HostLists>& attend, const std::vector<std::int32_t>& readers,
                          const std::vector<std::int32_t>& read) {
    Mask mask;
    for (const Segment& s : attend.segments)
      for (std::int32_t q = s.q_begin; q < s.q_end; ++q) {
        MaskRow row{token(readers[q]), {}};
        for (std::int32_t j = 0; j < attend.limit[q]; ++j)
          row.reads.push_back(token(read[s.k_begin + j]));
        mask.push_back(row);
      }
    return mask;
  };
  ImageMasks masks;
  masks.content = unfold(tables.content, tables.source, tables.source);
  for (const auto& stream : tables.streams)
    masks.streams.push_back({unfold(stream.content, stream.source, tables.source),
                             unfold(stream.queries, stream.source, stream.source)});
  masks.joint = unfold(tables.joint.self, tables.joint.source, tables.joint.source);
  return masks;
}

/// The two masks of a strict query stream, for tokens with the given ranks: condition tokens have
/// rank 0, like all others of it. Every content row is there. Queries of rank 0 carry no loss and
/// are not computed; they are shown reading rank 0, as GVP's Eq. 11 has it.
struct RankMasks {
  Mask content, query;
};
inline RankMasks masks_of_ranks(std::span<const int> ranks) {
  if (ranks.empty())
    fail<ShapeError>("ranks: none is given; give one per token, such as 0,0,2,0,1,1,2.");
  std::vector<int> ends;
  std::vector<std::int32_t> permutation;
  profile_of_ranks(ranks, ends, permutation);
  // The second stream keeps all content alive.
  RankRules<2> rules{ClassToken::none, {QueryStream{}, QueryStream{.content = Sees::up_to}}};
  ImageMasks masks = image_masks(rules, ends, permutation);
  RankMasks result{std::move(masks.content), {}};
  for (const MaskRow& row : result.content)
    if (ranks[row.reader] == 0) result.query.push_back(row);
  for (MaskRow& row : masks.streams[0].content) result.query.push_back(std::move(row));
  return result;
}

/// The tokens in reading order, the class token first where there is one.
inline std::vector<std::int32_t> reading_order(int patches, bool class_token) {
  std::vector<std::int32_t> tokens(class_token ? 1 : 0, class_token_of_mask);
  for (int i = 0; i < patches; ++i) tokens.push_back(i);
  return tokens;
}

/// Rows of `0` (reads) and `-` (does not), as GVP prints its matrices; rows and columns are
/// `tokens`. Readers that are missing are left blank.
inline std::string mask_text(const Mask& mask, std::span<const std::int32_t> tokens) {
  std::string result;
  for (const std::int32_t reader : tokens) {
    const auto row = std::find_if(mask.begin(), mask.end(),
                                  [&](const MaskRow& r) { return r.reader == reader; });
    for (const std::int32_t token : tokens) {
      if (row == mask.end())
        result += ' ';
      else
        result += std::find(row->reads.begin(), row->reads.end(), token) != row->reads.end() ? '0'
                                                                                             : '-';
    }
    result += '\n';
  }
  return result;
}

}  // namespace arvit
