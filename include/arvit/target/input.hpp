// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/context.hpp"

namespace arvit {

/// What a kind of target makes its rows of.
template <class D> struct TargetInput {
  DeviceBatch<D> batch = {};  ///< pixels per channel: (byte / 255 - mean) / deviation
  ImageShape shape;
  PatchRows<SpaceOf<D>> from;  ///< the rows
  bool standardise = false;    ///< pixels: per patch
};

}  // namespace arvit
