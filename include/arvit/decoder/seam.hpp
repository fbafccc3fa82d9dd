// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/block.hpp"
#include "arvit/nn/layer_norm.hpp"
#include "arvit/nn/positions/positions.hpp"
#include "arvit/order/rank.hpp"

/// The seam between encoder and decoder. The encoder walks its layers and calls the decoder at
/// every point p = 0 .. Depth: point 0 is the embedding, point p the output of layer p. Backward
/// walks in reverse, and the decoder ADDS to the gradients. At point 0 it may also overwrite rows
/// of the embedding (mask tokens); then its backward takes the gradient of these rows and clears
/// them, so that the patch embedding gets none.
///
/// A decoder kind is a template over the encoder, the head and the width of a prediction, with
///   static constexpr RankRules rules              class token, query streams, joint, whole_content
///   static constexpr bool uses_norm               whether it applies the encoder's final norm,
///                                                 which then is among the parameters
///   static constexpr int position_dim             width of the positions that it adds
///   static constexpr Reads reads(int point)       what it reads there: that alone drives liveness
///   template <class C> struct Parameters          its own parameters, listed once: core/layout.hpp
///   template <class D> class Run                  one step; see parallel.hpp for the calls
/// and, if it is so, `two_groups`, `one_patch_per_group` (of its order) and `needs_positions` (its
/// queries differ in nothing else) = true. Who adds context.positions to its queries gives their
/// gradient to context.positions.backward().
///
/// A decoder knows the options that it reads, and no other: a tag that nobody reads would promise
/// what does not happen. An option from outside is a kind of its own that wraps the decoder's:
///   template <class Kind, class... Options> struct Mine : Kind   takes the tags (core/options.hpp)
///     template <...> struct For : Kind::template For<...>        changes what it declares
///       template <class D> class Run : public ...::Run<D>        changes the calls, or adds some
/// so Decoder<Mine<Parallel<12>, Tag>> is Parallel<12> in all that Mine does not say. What calls a
/// Run knows its type, so nothing is virtual. tests/extend/extend.cpp has one.
namespace arvit {

/// What a decoder reads at a point of the encoder: its output, or (p >= 1) the keys and values
/// inside layer p.
struct Reads {
  bool output = false, keys_values = false;
};

/// What the decoder sees at a point. qkv and weights belong to layer p and are absent at point 0.
template <class D, class Encoder> struct LayerIO {
  ConstTokens<D, Encoder::dim> output;
  ConstTokens<D, 3 * Encoder::dim> qkv;
  const typename Encoder::Block::template Parameters<Reading<D>>* weights = nullptr;
  /// In forward at point 0 alone: the output, to be written.
  Tokens<D, Encoder::dim> embedding = {};
};
template <class D, class Encoder> struct LayerGradient {
  Tokens<D, Encoder::dim> output;
  Tokens<D, 3 * Encoder::dim> qkv;
  const typename Encoder::Block::template Parameters<Adding<D>>* weights = nullptr;
};

/// What a step knows beside the layers. What a Run keeps until its backward is taken from the
/// arena; scratch above it, in scopes.
template <class D, std::size_t Streams> struct StepContext : Context<D> {
  using Space = SpaceOf<D>;
  RankTables<DeviceLists<Space>, Streams> tables = {};
  Span<const std::int32_t, Space> permutation = {};
  Positions<D> positions = {};                     ///< the encoder's
  Positions<D> decoder_positions = {};             ///< sin-cos, of the width Decoder::position_dim
  Span<const Statistic<D>, Space> drop_path = {};  ///< [2 * depth, content rows]; empty: none
  /// Blocks keep their inputs only: all share one set of what a backward reads, filled once more
  /// before each backward.
  bool recompute = false;

  PatchRows<Space> patches_of(std::size_t stream) const {
    return {tables.streams[stream].source, permutation};
  }
  /// The turns of a stream's rows, and those of the content.
  Turn<D> turn_of(std::size_t stream) const { return positions.turn(patches_of(stream)); }
  Turn<D> turn() const { return positions.turn({tables.source, permutation}); }
  static Reach<Space> reach(const Attend<DeviceLists<Space>>& attend) {
    return {attend.segments, attend.limit, attend.extents};
  }
};

/// The encoder's final norm as a decoder gets it.
template <class D, class Encoder> struct FinalNorm {
  const typename Encoder::Norm::template Parameters<Reading<D>>* weights = nullptr;
  const typename Encoder::Norm::template Parameters<Adding<D>>* gradient = nullptr;
};

}  // namespace arvit
