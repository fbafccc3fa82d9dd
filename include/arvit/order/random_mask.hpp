// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <ratio>

#include "arvit/order/rank.hpp"

namespace arvit {

/// MAE: a uniformly random part of the patches is visible (rank 0), the rest masked (rank 1). Keep:
/// the visible share; 1/4 by default.
template <class Keep = std::ratio<1, 4>> struct RandomMask {
  static constexpr bool well_formed = Keep::num > 0 && Keep::num < Keep::den;
  static_assert(
      well_formed,
      "RandomMask<Keep>: Keep is the visible share of the patches, strictly between 0 and 1.");
  static constexpr bool fixed_profile = true;
  template <class Grid>
  static constexpr int visible = static_cast<int>(Grid::patches* Keep::num / Keep::den);
  template <class Grid> static constexpr bool fits = visible<Grid> > 0;
  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    static_assert(fits<Grid>,
                  "RandomMask<Keep>: no patch of this grid would stay visible; raise Keep or the "
                  "number of patches.");
    ends[0] = visible<Grid>;
    ends[1] = Grid::patches;
    return 2;
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    fill_uniform(key, image.with(Purpose::order));
  }
};

/// MAGE: a random part of the patches is masked, T r rounded up, with r normal between Least and
/// Most (a draw outside is drawn again).
template <class Mean = std::ratio<11, 20>, class Deviation = std::ratio<1, 4>,
          class Least = std::ratio<1, 2>, class Most = std::ratio<1>>
struct VariableMask {
  static constexpr bool has_range =
      Least::num > 0 &&
      std::ratio_less_v<Least, Most>&&std::ratio_less_equal_v<Most, std::ratio<1>>,
                        draws_inside = std::ratio_less_equal_v<Least, Mean> &&
                                       std::ratio_less_equal_v<Mean, Most> && Deviation::num > 0;
  static constexpr bool well_formed = has_range && draws_inside;
  static_assert(has_range,
                "VariableMask<Mean, Deviation, Least, Most>: the masked share lies between Least "
                "above 0 and Most, a larger one of at most 1.");
  static_assert(draws_inside || !has_range,
                "VariableMask<Mean, Deviation, Least, Most>: Mean must lie between Least and Most, "
                "and Deviation be positive.");
  static constexpr bool fixed_profile = false;
  static constexpr int groups = 1, extremes = 2;
  template <class Grid> static constexpr int profile(Counter image, std::span<int> ends) {
    Stream draws(image.with(Purpose::groups));
    double share = -1;
    while (share < value<Least> || share > value<Most>)
      share = value<Mean> + value<Deviation> * draws.normal();
    return masked<Grid>(share, ends);
  }
  /// The profile with the most content (0), and that with the most predictions (1).
  template <class Grid> static constexpr int extreme(int which, std::span<int> ends) {
    return masked<Grid>(which == 0 ? value<Least> : value<Most>, ends);
  }
  template <class Grid> static constexpr void keys(Counter image, std::span<float> key) {
    fill_uniform(key, image.with(Purpose::order));
  }

 private:
  template <class Ratio>
  static constexpr double value = static_cast<double>(Ratio::num) / Ratio::den;
  template <class Grid> static constexpr int masked(double share, std::span<int> ends) {
    ends[0] = Grid::patches - static_cast<int>(std::ceil(share * Grid::patches));
    ends[1] = Grid::patches;
    return 2;
  }
};

}  // namespace arvit
