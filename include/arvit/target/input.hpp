// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/context.hpp"

namespace arvit {

/// What a kind of target makes its rows of.
template <class D> struct TargetInput {
  Span<const Statistic<D>, SpaceOf<D>> pixels;   ///< [images, 3, height, width]
  Matrix<const Statistic<D>, SpaceOf<D>> given;  ///< [images * tokens, token_width], if it is given
  ImageShape shape;
  PatchRows<SpaceOf<D>> from;  ///< the rows
  bool standardise = false;    ///< pixels: per patch
};

}  // namespace arvit
