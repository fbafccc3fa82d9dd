// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <vector>

#include "arvit/core/layout.hpp"
#include "arvit/nn/positions/policy.hpp"

namespace arvit {

/// One vector per patch, a parameter `pos_embed` [1, patches, Dim] that starts as N(0, 0.02^2)
/// (Dosovitskiy et al. 2021; iGPT). No weight decay.
template <bool Trained> struct PositionsOfTable {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For {
    static constexpr bool well_formed = Dim > 0, adds = true, turns = false, learned = true,
                          trained = Trained;
    static constexpr const char* name = "pos_embed";
    template <class C> struct Parameters {
      typename C::template VectorView<Grid::patches * Dim> table;
      constexpr explicit Parameters(C& at)
          : table(at.template vector<Grid::patches * Dim>(
                {name, {Init::truncated_normal, 0.02}, {1, Grid::patches, Dim}})) {}
    };
    template <class T> static std::vector<T> added(const T* learned) {
      return {learned, learned + std::int64_t{Grid::patches} * Dim};
    }
  };
};
struct LearnedPositions : PositionsOfTable<true> {};
/// ... that stay as they are: those of an encoder that was trained elsewhere.
struct FrozenPositions : PositionsOfTable<false> {};

}  // namespace arvit
