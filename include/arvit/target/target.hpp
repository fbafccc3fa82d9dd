// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/core/options.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/nn/head.hpp"

/// The target slot of a Pretrainer: what is predicted, and how the error is measured.
///
/// A kind offers, for a grid,
///   template <class Grid> static constexpr int width           numbers that a head predicts per patch
///   template <class Grid, class D> static void values(device, scratch, images, shape, from, standardise, target)
/// where target [rows, width] is assigned for the rows that `from` names (a class query's row: zeros).
namespace arvit {

struct PatchNormCategory;
struct ErrorCategory;
/// Target pixels as they are, instead of standardised per patch.
struct RawPatches { using Category = PatchNormCategory; };
/// Mean absolute instead of mean squared error.
struct L1 { using Category = ErrorCategory; };

/// Options: RawPatches, L1, LinearHead or MlpHead (default: the decoder's).
template <class Kind_, class... Options>
struct Target {
  using Known = Accepts<PatchNormCategory, ErrorCategory, HeadCategory>;
  static_assert(Known::template known<Options...>, "Target<Kind, Options...>: the options are RawPatches, L1, LinearHead and MlpHead.");
  static_assert(Known::template unrepeated<Options...>, "Target<Kind, Options...>: two options of one kind; give each kind once.");
  using Kind = Kind_;
  static constexpr bool standardise = option_count<PatchNormCategory, Options...> == 0;
  template <class Default> using HeadKind = Option<HeadCategory, Default, Options...>;

  /// loss[0] += scale * error of the prediction's rows; dprediction is assigned. `scale` is 1 / (entries of the whole batch).
  template <class Grid, Device D>
  static void loss(D& device, Arena& arena, Span<const Statistic<D>, SpaceOf<D>> images, ImageShape shape, PatchRows<SpaceOf<D>> from, double scale,
                   ConstTokens<D, Kind::template width<Grid>> prediction, Tokens<D, Kind::template width<Grid>> dprediction, Span<double, SpaceOf<D>> loss) {
    const ArenaScope scope(arena);
    const auto target = arena.rows<Statistic<D>, Kind::template width<Grid>, SpaceOf<D>>(prediction.rows());
    Kind::template values<Grid>(device, arena, images, shape, from, standardise, target);
    if constexpr (option_count<ErrorCategory, Options...> == 1) device.absolute_error(prediction, target, scale, dprediction, loss);
    else device.squared_error(prediction, target, scale, dprediction, loss);
  }
};

}  // namespace arvit
