// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arvit/core/segment.hpp"
#include "arvit/device/ops/images.hpp"

/// Tables that an order would make, written by hand.
namespace arvit::test {

/// Who reads whom.
struct MadeReach {
  std::vector<Segment> segments;
  std::vector<std::int32_t> limit;
  operator Reach<HostSpace>() const {
    ReachExtents extents;
    for (const Segment& segment : segments) extents.add(segment, limit.data());
    return {segments, limit, extents};
  }
};

/// Where rows lie: source and permutation, as ops/images.hpp has them.
struct MadeRows {
  std::vector<std::int32_t> source, permutation;
  std::int64_t rows() const { return static_cast<std::int64_t>(source.size()); }
  operator PatchRows<HostSpace>() const { return {source, permutation}; }
};

/// Two images of 2 x 3 patches, packed: a class token and patches 4, 0 and 5 of the first, a class
/// token and patches 1 and 2 of the second.
inline MadeRows two_images() {
  return {{-1, 0, 2, 5, -2, 6, 8}, {4, 1, 0, 2, 3, 5, 1, 0, 2, 5, 4, 3}};
}
/// A gradient of class tokens that has been taken, or tokens that are not theirs yet.
template <int Dim> void clear_class_rows(const MadeRows& rows, Rows<double, Dim> tokens) {
  for (std::int64_t r = 0; r < rows.rows(); ++r)
    if (rows.source[r] < 0) std::fill_n(tokens[r], Dim, 0.0);
}
/// ... in which a row reads itself and what comes before it in its image, but for one that reads
/// the class token alone.
inline MadeReach two_images_reach() {
  return {{{0, 4, 0, 4}, {4, 7, 4, 7}}, {1, 2, 3, 4, 1, 1, 3}};
}
/// Queries of these images, five and three of them: the first reads nothing, and no query reads
/// the last row of the second image.
inline MadeReach two_images_queries() {
  return {{{0, 5, 0, 4}, {5, 8, 4, 7}}, {0, 1, 4, 2, 3, 1, 2, 2}};
}

}  // namespace arvit::test
