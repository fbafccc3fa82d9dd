// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/target/errors/cross_entropy.hpp"
#include "arvit/target/features.hpp"

namespace arvit {

/// The code that a frozen tokenizer gives each patch, one of Classes (GVP p2d; BEiT): numbers
/// [images, patches] in reading order, which come with the images from a codebook beside the
/// trainer or from a file.
template <int Classes> struct Codes {
  static constexpr bool well_formed = Classes > 1;
  static_assert(
      well_formed,
      "Codes<Classes>: Classes counts the codes of the tokenizer; it must be at least 2.");
  using DefaultError = CrossEntropy;
  static constexpr bool has_class = false;
  static constexpr int classes = Classes;
  template <class Grid> static constexpr int tokens = Grid::patches;
  template <class Grid> static constexpr int width = Classes;
  template <class Grid> static constexpr int token_width = 1;

  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, 1, SpaceOf<D>> target) {
    const PatchRows<SpaceOf<D>>& from = in.from;
    c.device.for_each(target.rows(), detail::RowTokensWork<Statistic<D>>{
                                         in.batch.codes.data(), from.source.data(),
                                         from.permutation.data(), Grid::rows, Grid::columns,
                                         Grid::rows, Grid::columns, 1, false, -1, target.data()});
  }
};

/// VQGAN's codebook (Esser et al. 2021): a code for every 16 x 16 pixels; 16384 entries exist as
/// well.
template <int Entries = 1024> using VQGAN = Codes<Entries>;
/// Its features before they become codes, for Pooled<VqganEncoder> (GVP appendix E).
struct VqganEncoder {
  static constexpr int dim = 256;
};

}  // namespace arvit
