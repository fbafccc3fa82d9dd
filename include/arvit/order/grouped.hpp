// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

#include "arvit/order/rank.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/order/stochastic.hpp"

/// GVP's groups of tokens. A sequence of all T patches is cut behind its first n_0 < n_1 < ... <
/// n_K = T. The first n_0 patches are the condition (rank 0); those from n_{k-1} to n_k are group
/// k, predicted together from all before it (rank k = 1 .. K).
namespace arvit {

namespace detail {
/// Different values of {1, .., most}, ascending; every set of that size is equally likely
/// (selection sampling: Knuth, volume 2, algorithm 3.4.2 S).
template <class Draws>
constexpr void draw_ascending(int most, Draws& draws, std::span<int> values) {
  const int count = static_cast<int>(values.size());
  for (int value = 1, taken = 0; taken < count; ++value)
    if (static_cast<int>(draws.below(static_cast<std::uint32_t>(most - value + 1))) < count - taken)
      values[taken++] = value;
}

template <class Kind>
concept GroupKind = requires(int patches, Stream& draws, std::span<int> n) {
  { Kind::groups } -> std::convertible_to<int>;
  { Kind::fewest_patches } -> std::convertible_to<int>;
  { Kind::fixed_profile } -> std::convertible_to<bool>;
  Kind::boundaries(patches, draws, n);
};
template <class Kind> constexpr int groups_of() {
  if constexpr (GroupKind<Kind>)
    return Kind::groups;
  else
    return 0;
}
}  // namespace detail

// How n_0 .. n_{K-1} are found (Table 4). `draws` is a Stream, or whatever else has its below() and
// normal().

/// Fixed length: n_i = floor((i + 1) T / (K + 1)). K = T: no condition and one patch per group.
template <int K> struct Fixed {
  static constexpr int groups = K, fewest_patches = K;
  static constexpr bool fixed_profile = true;
  template <class Draws> static constexpr void boundaries(int patches, Draws&, std::span<int> n) {
    for (int i = 0; i < K; ++i) n[i] = (i + 1) * patches / (K + 1);
  }
};
/// Random length: K different values of {1, .., T - 1}.
template <int K> struct Random {
  static constexpr int groups = K, fewest_patches = K + 1;
  static constexpr bool fixed_profile = false;
  template <class Draws>
  static constexpr void boundaries(int patches, Draws& draws, std::span<int> n) {
    detail::draw_ascending(patches - 1, draws, n);
  }
};
/// Mixed length: n_{K-1} = p T, rounded and kept in [K, T - 1], with p normal of mean 1/2 and
/// deviation 1/10 (appendix B's comment takes 1/10 for the variance); the other n_i are K - 1
/// different values below it.
template <int K> struct Mixed {
  static constexpr int groups = K, fewest_patches = K + 1;
  static constexpr bool fixed_profile = false;
  template <class Draws>
  static constexpr void boundaries(int patches, Draws& draws, std::span<int> n) {
    const double last = std::round((0.5 + 0.1 * draws.normal()) * patches);
    n[K - 1] = static_cast<int>(std::clamp(last, double{K}, patches - 1.0));
    detail::draw_ascending(n[K - 1] - 1, draws, n.first(K - 1));
  }
};

using RandomSequence = Stochastic;  ///< a uniform permutation for every image
using FixedSequence = Raster;       ///< reading order (Table 3)

/// GVP "Order and groups": Kind is Fixed<K>, Random<K> or Mixed<K>, drawn for each image; Sequence
/// sorts the patches.
template <class Kind, class Sequence = RandomSequence> struct Grouped {
  static constexpr bool knows_kind = detail::GroupKind<Kind>,
                        has_groups = detail::groups_of<Kind>() > 0;
  static constexpr bool well_formed = knows_kind && has_groups;
  static_assert(knows_kind,
                "Grouped<Kind, Sequence>: Kind is Fixed<K>, Random<K> or Mixed<K> (or has groups, "
                "fewest_patches, fixed_profile and boundaries(int patches, Draws&, std::span<int> "
                "n)).");
  static_assert(has_groups || !knows_kind,
                "Grouped<Kind>: K counts the groups that are predicted; it must be positive.");
  static constexpr bool fixed_profile = Kind::fixed_profile;
  static constexpr int groups = Kind::groups;
  template <class Grid> static constexpr bool fits = Grid::patches >= Kind::fewest_patches;
  template <class Grid> static constexpr int profile(Counter image, std::span<int> ends) {
    static_assert(fits<Grid>,
                  "Grouped<Kind>: the grid has too few patches for K groups; choose K below their "
                  "number (Fixed<K>: at most it).");
    Stream draws(image.with(Purpose::groups));
    Kind::boundaries(Grid::patches, draws, ends.first(Kind::groups));
    ends[Kind::groups] = Grid::patches;
    return Kind::groups + 1;
  }
  template <class Grid>
  requires KeyOrder<Sequence, Grid>
  static constexpr void keys(Counter image, std::span<float> key) {
    Sequence::template keys<Grid>(image, key);
  }
};

}  // namespace arvit
