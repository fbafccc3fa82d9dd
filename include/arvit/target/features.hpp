// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/host_device.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

struct ErrorCategory;
/// 2 - 2 cosine of prediction and target: the squared distance of unit vectors (D-iGPT; SemAIM's released code).
struct Cosine { using Category = ErrorCategory; };

namespace detail {
/// target[row] = the given token of the row's place; one number per call.
template <class S>
struct GivenTokensWork {
  const S* given;
  const std::int32_t *source, *permutation;
  std::int64_t patches, width;
  bool has_class;
  S* target;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t row = source[i / width], tokens = patches + has_class;
    const std::int64_t token = row < 0 ? (-1 - row) * tokens : row / patches * tokens + has_class + permutation[row];
    target[i] = row < 0 && !has_class ? S{0} : given[token * width + i % width];
  }
};
}  // namespace detail

/// Tokens of a frozen teacher, after its final norm: a ViT of ours that encodes the same crop without a mask, on the model's own grid of patches.
/// A class query predicts the teacher's class token. The trainer gets the features of a micro-batch [images, tokens, width], class token first, from
/// whoever made them: the teacher beside it (`--teacher`), or a file.
template <class Teacher_>
struct Features {
  using Teacher = Teacher_;
  using DefaultError = Cosine;
  static constexpr bool has_class = Teacher::has_class_token;
  template <class Grid> static constexpr int tokens = Grid::patches + has_class;
  template <class Grid> static constexpr int width = Teacher::dim;

  template <class Grid, Device D>
  static void values(D& device, Matrix<const Statistic<D>, SpaceOf<D>> given, PatchRows<SpaceOf<D>> from, Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    static_assert(Grid::rows == Teacher::Grid::rows && Grid::columns == Teacher::Grid::columns,
                  "Target<Features<Teacher>>: the teacher's grid of patches must be the model's; choose Image and Patch of both so that it is.");
    device.for_each(target.rows() * width<Grid>, detail::GivenTokensWork<Statistic<D>>{given.data(), from.source.data(), from.permutation.data(), Grid::patches, width<Grid>,
                                                                                            has_class, target.data()});
  }
};

/// A kind of target whose numbers are given with the images.
template <class Kind, class Grid>
concept GivenTarget = requires {
  { Kind::template tokens<Grid> } -> std::convertible_to<int>;
};

}  // namespace arvit
