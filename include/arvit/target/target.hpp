// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/core/options.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/features.hpp"

/// The target slot of a Pretrainer: what is predicted, and how the error is measured.
///
/// A kind offers, for a grid,
///   template <class Grid> static constexpr int width           numbers that a head predicts per patch
///   template <class Grid, class D> static void values(device, scratch, images, shape, from, standardise, target)
/// where target [rows, width] is assigned for the rows that `from` names. A kind whose numbers come
/// with the images (features.hpp, codes.hpp) has instead, with target [rows, token_width],
///   template <class Grid> static constexpr int tokens          rows [token_width] that are given for each image
///   template <class Grid> static constexpr int token_width
///   template <class Grid, class D> static void values(device, given, from, target)
/// `has_class`, if true, says that there is a target for the class token, whose rows `from` names
/// as -1 - image; `using DefaultError = ...` chooses an error other than L2.
namespace arvit {

struct PatchNormCategory;
/// Target pixels as they are, instead of standardised per patch.
struct RawPatches {
  using Category = PatchNormCategory;
};
/// Mean squared error; mean absolute error. (Cosine: features.hpp; CrossEntropy: codes.hpp.)
struct L2 {
  using Category = ErrorCategory;
};
struct L1 {
  using Category = ErrorCategory;
};

namespace detail {
template <class Kind> struct DefaultErrorOf { using type = L2; };
template <class Kind>
requires requires { typename Kind::DefaultError; }
struct DefaultErrorOf<Kind> {
  using type = typename Kind::DefaultError;
};
template <class Kind>
concept HasClasses = requires {
  Kind::classes;
};
template <class Kind>
concept HasTeacher = requires {
  typename Kind::Teacher;
};
}  // namespace detail

/// Options: RawPatches, an error (L2, L1, Cosine, CrossEntropy; default: the kind's), LinearHead or
/// MlpHead (default: the decoder's), ResizePrediction.
template <class Kind_, class... Options> struct Target {
  using Known = Accepts<PatchNormCategory, ErrorCategory, HeadCategory, ResizeCategory>;
  using Kind = Kind_;
  using Error = Option<ErrorCategory, typename detail::DefaultErrorOf<Kind>::type, Options...>;
  using Resize = Option<ResizeCategory, void, Options...>;
  template <class Default> using HeadKind = Option<HeadCategory, Default, Options...>;
  static constexpr bool standardise = option_count<PatchNormCategory, Options...> == 0;
  static constexpr bool resizes = !std::same_as<Resize, void>;

  static constexpr bool knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        has_cells = !resizes || detail::HasTeacher<Kind>,
                        has_pixels = standardise ||
                                     !(detail::HasTeacher<Kind> || detail::HasClasses<Kind>),
                        has_error = std::same_as<Error, CrossEntropy> == detail::HasClasses<Kind>;
  static constexpr bool well_formed = knows_options && has_each_once && has_cells && has_pixels &&
                                      has_error;
  static_assert(knows_options,
                "Target<Kind, Options...>: the options are RawPatches, L2, L1, Cosine, "
                "CrossEntropy, LinearHead, MlpHead and ResizePrediction.");
  static_assert(has_each_once,
                "Target<Kind, Options...>: two options of one kind; give each kind once.");
  static_assert(has_cells,
                "Target<Kind, ResizePrediction<Rows, Columns>>: only a teacher's features have a "
                "grid of their own; drop ResizePrediction.");
  static_assert(has_pixels,
                "Target<Kind, RawPatches>: only pixels are standardised; drop RawPatches.");
  static_assert(has_error,
                "Target<Kind, Error>: codes have CrossEntropy, and nothing else has; drop the "
                "error or choose another.");

  template <class Grid> static constexpr int width = Kind::template width<Grid>;
  /// Numbers of the target's row, and those that must be given for each image: [tokens,
  /// token_width]; 0 where the target follows from the image.
  template <class Grid>
  static constexpr int token_width = [] {
    if constexpr (GivenTarget<Kind, Grid>)
      return Kind::template token_width<Grid>;
    else
      return Kind::template width<Grid>;
  }();
  template <class Grid>
  static constexpr int given_width = [] {
    if constexpr (GivenTarget<Kind, Grid>)
      return Kind::template tokens<Grid> * Kind::template token_width<Grid>;
    else
      return 0;
  }();

  /// loss[0] += scale * error of the prediction's rows; dprediction is assigned. `scale` is 1 /
  /// (entries of the whole batch), so that the error is the mean over entries, or over rows for
  /// Cosine and CrossEntropy. `class_row`: each of the `count` images' rows end with the class
  /// token's.
  template <class Grid, Device D>
  static void loss(D& device, Arena& arena, std::int64_t count,
                   Span<const Statistic<D>, SpaceOf<D>> images,
                   Matrix<const Statistic<D>, SpaceOf<D>> given, ImageShape shape,
                   PatchRows<SpaceOf<D>> from, bool class_row, double scale,
                   ConstTokens<D, width<Grid>> prediction, Tokens<D, width<Grid>> dprediction,
                   Span<double, SpaceOf<D>> loss) {
    const ArenaScope scope(arena);
    constexpr int width = Kind::template width<Grid>;
    if (prediction.rows() == 0) return;
    if constexpr (resizes) {
      using Cells = typename Kind::Teacher::Grid;
      const std::int64_t rows = prediction.rows() / count, patches = Resize::rows * Resize::columns;
      const detail::ClusterCells cells{Resize::rows,
                                       Resize::columns,
                                       Resize::rows * Cells::rows / Grid::rows,
                                       Resize::columns * Cells::columns / Grid::columns,
                                       (rows - class_row) / patches,
                                       class_row};
      if (cells.of_rows() * count != prediction.rows())
        fail<ShapeError>("target: ", rows, " predictions an image do not come in clusters of ",
                         patches, " patches.");
      const std::int64_t resized_rows = cells.of_cells() * count;
      const auto resized = arena.rows<Activation<D>, width, SpaceOf<D>>(resized_rows),
                 dresized = arena.rows<Activation<D>, width, SpaceOf<D>>(resized_rows);
      const auto target = arena.rows<Statistic<D>, width, SpaceOf<D>>(resized_rows);
      device.for_each(resized_rows * width, detail::ResizeClustersWork<Activation<D>>{
                                                cells, prediction.data(), width, resized.data()});
      device.for_each(resized_rows * width, detail::GivenCellsWork<Statistic<D>>{
                                                cells, given.data(), from.source.data(),
                                                from.permutation.data(), Grid::rows, Grid::columns,
                                                Cells::rows, Cells::columns, width, target.data()});
      error<width>(device,
                   scale * static_cast<double>(rows) / static_cast<double>(cells.of_cells()),
                   resized, target, dresized, loss);
      device.for_each(prediction.rows() * width,
                      detail::ResizeClustersBackwardWork<Activation<D>>{cells, dresized.data(),
                                                                        width, dprediction.data()});
    } else {
      const auto target = arena.rows<Statistic<D>, token_width<Grid>, SpaceOf<D>>(
          prediction.rows());
      if constexpr (GivenTarget<Kind, Grid>)
        Kind::template values<Grid>(device, given, from, target);
      else
        Kind::template values<Grid>(device, arena, images, shape, from, standardise, target);
      error<width>(device, scale, prediction, target, dprediction, loss);
    }
  }

 private:
  template <int Width, Device D>
  static void error(D& device, double scale, ConstTokens<D, Width> prediction,
                    Matrix<const Statistic<D>, SpaceOf<D>> target, Tokens<D, Width> dprediction,
                    Span<double, SpaceOf<D>> loss) {
    if constexpr (std::same_as<Error, L1>)
      device.absolute_error(prediction, target, scale, dprediction, loss);
    else if constexpr (std::same_as<Error, L2>)
      device.squared_error(prediction, target, scale, dprediction, loss);
    else if constexpr (std::same_as<Error, CrossEntropy>)
      device.cross_entropy(prediction, target, scale * Width, dprediction, loss);
    else
      device.cosine_distance(prediction, target, scale * Width, dprediction, loss);
  }
};

}  // namespace arvit
