// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "arvit/core/random.hpp"

/// What an order draws, put together as a pass does it.
namespace arvit::test {

/// The group ends of one image.
template <class O, class Grid> std::vector<int> drawn_ends(Counter image) {
  std::vector<int> ends(Grid::patches + 1);
  ends.resize(static_cast<std::size_t>(O::template profile<Grid>(image, std::span<int>(ends))));
  return ends;
}
template <class O, class Grid> std::vector<float> drawn_keys(Counter image) {
  std::vector<float> keys(Grid::patches);
  O::template keys<Grid>(image, std::span<float>(keys));
  return keys;
}
/// The patches sorted by key, equal keys in reading order.
inline std::vector<std::int32_t> sorted_patches(std::span<const float> keys) {
  std::vector<std::int32_t> patches(keys.size());
  for (std::size_t i = 0; i < patches.size(); ++i) patches[i] = static_cast<std::int32_t>(i);
  std::stable_sort(patches.begin(), patches.end(), [&](std::int32_t a, std::int32_t b) {
    return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
  });
  return patches;
}
/// The rank of every patch in reading order.
inline std::vector<int> ranks_of(std::span<const int> ends, std::span<const float> keys) {
  std::vector<int> ranks(keys.size());
  int place = 0;
  for (const std::int32_t patch : sorted_patches(keys))
    ranks[static_cast<std::size_t>(patch)] = static_cast<int>(
        std::upper_bound(ends.begin(), ends.end(), place++) - ends.begin());
  return ranks;
}
template <class O, class Grid> std::vector<int> drawn_ranks(Counter image) {
  return ranks_of(drawn_ends<O, Grid>(image), drawn_keys<O, Grid>(image));
}

/// How often each outcome was seen, against the hypothesis that all `outcomes` are equally likely:
/// the chi-squared statistic, in deviations above its mean (outcomes - 1, deviation sqrt(2
/// (outcomes - 1))).
template <class Outcome>
double chi_squared_excess(const std::map<Outcome, int>& seen, int outcomes) {
  double total = 0, squares = 0;
  for (const auto& entry : seen) {
    total += entry.second;
    squares += std::pow(entry.second, 2);
  }
  const double chi_squared = squares * outcomes / total - total;
  return (chi_squared - (outcomes - 1)) / std::sqrt(2.0 * (outcomes - 1));
}

}  // namespace arvit::test
