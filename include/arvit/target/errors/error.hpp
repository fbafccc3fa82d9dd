// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace arvit {

/// An error of Target<Kind, Error>: a functor of one row (device/ops/loss.hpp), and
///   using Category = ErrorCategory
///   static constexpr std::string_view name     for what is said when extents differ
///   static constexpr bool names_class          the target is one number a row, a class; else one
///                                              for each entry
///   static constexpr bool mean_over_rows       the loss is the mean over rows; else over entries
///   static constexpr bool well_formed          whether its own numbers will do, where it has any
struct ErrorCategory;

}  // namespace arvit
