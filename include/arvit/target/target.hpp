// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/options.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/errors/absolute.hpp"
#include "arvit/target/errors/squared.hpp"
#include "arvit/target/features.hpp"
#include "arvit/target/input.hpp"

/// The target slot of a Pretrainer: what is predicted, and how the error is measured.
///
/// A kind offers, for a grid,
///   template <class Grid> static constexpr int width     numbers that a head predicts per patch
///   template <class Grid, class D>
///   static void values(const Context<D>&, const TargetInput<D>&, target)
/// where target [rows, width] is assigned for the rows that the input names. A kind whose numbers
/// come with the images (features.hpp, codes.hpp) reads TargetInput's batch.tokens, or batch.codes
/// if it has `classes`, has target [rows, token_width], and also
///   template <class Grid> static constexpr int tokens    rows [token_width] for each image
///   template <class Grid> static constexpr int token_width
/// `has_class`, if true, says that there is a target for the class token, whose rows are named as
/// -1 - image; `is_picture`, if true, that its numbers are a patch's pixels, and can be shown;
/// `using DefaultError = ...` chooses an error other than L2.
///
/// An error is a functor (errors/): one of a user's own is an option like those.
namespace arvit {

struct PatchNormCategory;
/// Target pixels as they are, instead of standardised per patch.
struct RawPatches {
  using Category = PatchNormCategory;
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

/// Options: RawPatches, an error of errors/ or of a user's own (default: the kind's), LinearHead or
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
                        has_error = Error::names_class == detail::HasClasses<Kind>,
                        fits_error = is_well_formed<Error>;
  static constexpr bool well_formed = knows_options && has_each_once && has_cells && has_pixels &&
                                      has_error && fits_error;
  static_assert(knows_options,
                "Target<Kind, Options...>: the options are RawPatches, an error (target/errors/), "
                "LinearHead, MlpHead and ResizePrediction.");
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
  static_assert(fits_error,
                "Target<Kind, Error>: the error's own numbers are out of range, as a threshold of "
                "SmoothL1 that is not positive.");

  template <class Grid> static constexpr int width = Kind::template width<Grid>;
  /// Numbers of the target's row, and those that must come with each image: [tokens, token_width];
  /// 0 where the target follows from the image.
  template <class Grid>
  static constexpr int token_width = [] {
    if constexpr (TargetOfTokens<Kind, Grid>)
      return Kind::template token_width<Grid>;
    else
      return Kind::template width<Grid>;
  }();
  template <class Grid>
  static constexpr int tokens_width = [] {
    if constexpr (TargetOfTokens<Kind, Grid>)
      return Kind::template tokens<Grid> * Kind::template token_width<Grid>;
    else
      return 0;
  }();

  /// The rows of a loss: of `images` images, the last of each that of its class token if
  /// `class_row`. `scale` is 1 / (entries of the whole batch), so that the loss is the mean over
  /// entries, or over rows where the error says so.
  struct LossRows {
    std::int64_t images;
    bool class_row;
    double scale;
  };
  /// sum[0] += scale * the error; dprediction is assigned.
  template <class D, int Width> struct Result {
    Tokens<D, Width> dprediction;
    Span<double, SpaceOf<D>> sum;
  };
  template <class Grid, Device D>
  static void loss(const Context<D>& c, const TargetInput<D>& in, const LossRows& rows,
                   ConstTokens<D, width<Grid>> prediction, const Result<D, width<Grid>>& result) {
    const ArenaScope scope(c.arena);
    if (prediction.rows() == 0) return;
    if constexpr (resizes) {
      resized_loss<Grid>(c, in, rows, prediction, result);
    } else {
      const auto target = take_statistics<token_width<Grid>>(c, prediction.rows());
      Kind::template values<Grid>(c, in, target);
      error(c, rows.scale, prediction, target, result);
    }
  }

 private:
  /// Each cluster's prediction is resized to the teacher's cells, and compared there.
  template <class Grid, Device D>
  static void resized_loss(const Context<D>& c, const TargetInput<D>& in, const LossRows& rows,
                           ConstTokens<D, width<Grid>> prediction,
                           const Result<D, width<Grid>>& result) {
    constexpr int width = Kind::template width<Grid>;
    using Cells = typename Kind::Teacher::Grid;
    static_assert(
        Grid::rows % Resize::rows == 0 && Grid::columns % Resize::columns == 0 &&
            Resize::rows * Cells::rows % Grid::rows == 0 &&
            Resize::columns * Cells::columns % Grid::columns == 0 && Kind::has_class,
        "Target<..., ResizePrediction<Rows, Columns>>: clusters of Rows x Columns patches must "
        "divide the grid and cover whole cells of a teacher with a class token.");
    const std::int64_t of_image = prediction.rows() / rows.images;
    const std::int64_t patches = Resize::rows * Resize::columns;
    const detail::ClusterCells cells{Resize::rows,
                                     Resize::columns,
                                     Resize::rows * Cells::rows / Grid::rows,
                                     Resize::columns * Cells::columns / Grid::columns,
                                     (of_image - rows.class_row) / patches,
                                     rows.class_row};
    if (cells.of_rows() * rows.images != prediction.rows())
      fail<ShapeError>("target: ", of_image, " predictions an image do not come in clusters of ",
                       patches, " patches.");
    const std::int64_t count = cells.of_cells() * rows.images;
    const auto resized = take_tokens<width>(c, count), dresized = take_tokens<width>(c, count);
    const auto target = take_statistics<width>(c, count);
    c.device.for_each(count * width, detail::ResizeClustersWork<Activation<D>>{
                                         cells, prediction.data(), width, resized.data()});
    c.device.for_each(count * width, detail::CellTokensWork<Statistic<D>>{
                                         cells, in.batch.tokens.data(), in.from.source.data(),
                                         in.from.permutation.data(), Grid::rows, Grid::columns,
                                         Cells::rows, Cells::columns, width, target.data()});
    const double scale = rows.scale * static_cast<double>(of_image) /
                         static_cast<double>(cells.of_cells());
    error<D, width>(c, scale, resized, target, {dresized, result.sum});
    c.device.for_each(prediction.rows() * width,
                      detail::ResizeClustersBackwardWork<Activation<D>>{
                          cells, dresized.data(), width, result.dprediction.data()});
  }
  template <Device D, int Width>
  static void error(const Context<D>& c, double scale, ConstTokens<D, Width> prediction,
                    Matrix<const Statistic<D>, SpaceOf<D>> target, const Result<D, Width>& result) {
    c.run(ops::Loss<Error, D>{.prediction = prediction,
                              .target = target,
                              .scale = Error::mean_over_rows ? scale * Width : scale,
                              .dprediction = result.dprediction,
                              .sum = result.sum});
  }
};

}  // namespace arvit
