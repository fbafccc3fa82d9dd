// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace arvit {

/// The order slot of a Pretrainer. Kind satisfies Order (rank.hpp): one of this folder, such as
/// Raster or Semantic<>, or a user's own.
template <class Kind> struct OrderPolicy { using Order = Kind; };

}  // namespace arvit
