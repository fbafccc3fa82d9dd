// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How an encoder knows where a patch is: an option of ViT, of this folder or a user's own. A
/// policy has
///   using Category = PositionCategory
///   template <class Grid, int Dim> struct For
///     static constexpr bool well_formed    whether it has positions of this width
///     static constexpr bool adds           a table [patches, Dim] is added to a patch's token, and
///                                          to a query where it begins
///     static constexpr bool turns          queries and keys of attention are turned (rotary.hpp)
///     static constexpr bool learned        the table is a parameter, called `name`, and `table`
///                                          [patches * Dim] among Parameters, ...
///     static constexpr bool trained        ... whose gradient is formed: that of the whole table,
///                                          so it cannot be made of fewer numbers
///     template <class C> struct Parameters
///     template <class T> static std::vector<T> added(const T* learned)   the table
/// They are applied by Positions (positions.hpp): add() where tokens begin, turn() inside
/// attention. Class tokens and conditions have no position.
namespace arvit {

struct PositionCategory;

/// Positions without parameters.
struct PositionsWithoutParameters {
  static constexpr bool learned = false, trained = false;
  template <class C> struct Parameters {
    constexpr explicit Parameters(C&) {}
  };
};

}  // namespace arvit
