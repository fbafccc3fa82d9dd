// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace arvit {

/// The order slot of a Pretrainer: OrderPolicy<Raster | Serpentine | Stochastic | CenterOut |
/// StochasticCenter | Semantic<...> | RandomMask<...> | Cluster<Rows, Columns> | Segments<Outer,
/// Inner> | Grouped<Kind, Sequence>>, or a type of the user's own that satisfies Order (rank.hpp).
template <class Kind> struct OrderPolicy { using Order = Kind; };

}  // namespace arvit
