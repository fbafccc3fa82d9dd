// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <type_traits>

#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/block_stack.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

struct SharedWeightsCategory;
struct ReadsPreviousCategory;
/// Decoder block i is encoder block i (SAIM Table 3).
struct SharedWeights {
  using Category = SharedWeightsCategory;
};
/// Decoder layer m reads the input of the encoder layer whose output it reads otherwise (SAIM Eq.
/// 5; the released code reads the output).
struct ReadsPrevious {
  using Category = ReadsPreviousCategory;
};

/// SAIM's and SemAIM's decoder: `Depth` cross blocks beside the encoder. Decoder layer m = 1 ..
/// Depth reads the output of encoder layer ceil(m L / Depth). Queries start as their positions, see
/// strictly lower ranks and not each other; every patch outside rank 0 is predicted: head(norm(g)).
///
/// Options: SharedWeights, ReadsPrevious.
template <int Depth, class... Options> struct Parallel {
  using Known = Accepts<SharedWeightsCategory, ReadsPreviousCategory>;
  static constexpr bool shared = option_count<SharedWeightsCategory, Options...> == 1;
  static constexpr bool reads_previous = option_count<ReadsPreviousCategory, Options...> == 1;

  static constexpr bool has_layers = Depth > 0, knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        reads_one = !(shared && reads_previous);
  static constexpr bool well_formed = has_layers && knows_options && has_each_once && reads_one;
  static_assert(has_layers,
                "Parallel<Depth>: Depth counts decoder layers; it must be positive (Causal is the "
                "decoder without layers).");
  static_assert(knows_options,
                "Parallel<Depth, Options...>: the options are SharedWeights and ReadsPrevious; for "
                "one of your own, wrap the kind (decoder/seam.hpp).");
  static_assert(has_each_once,
                "Parallel<Depth, Options...>: an option is repeated; give each once.");
  static_assert(reads_one,
                "Parallel<Depth, SharedWeights, ReadsPrevious>: shared weights read the layer's "
                "own output (SAIM Table 3); drop ReadsPrevious.");
  using DefaultHead = MlpHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr bool fits = Depth <= Encoder::depth,
                          pairs = !shared || Depth == Encoder::depth;
    static constexpr bool well_formed = fits && pairs;
    static_assert(fits,
                  "Parallel<Depth>: the decoder has more layers than the encoder; use at most one "
                  "per encoder layer.");
    static_assert(
        pairs || !fits,
        "Parallel<Depth, SharedWeights>: shared weights need one decoder layer per encoder layer.");
    static constexpr int dim = Encoder::dim;
    using Block = arvit::Block<dim, Encoder::heads, Encoder::mlp_ratio, true,
                               typename Encoder::Epsilon, Encoder::turns>;
    using Cross = CrossBlock<std::conditional_t<shared, typename Encoder::Block, Block>>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}, false};
    static constexpr bool uses_norm = true, needs_positions = true;
    static constexpr int position_dim = dim;

    /// The point that decoder layer m (from 0) reads.
    static constexpr int point_of(int m) {
      return ((m + 1) * Encoder::depth + Depth - 1) / Depth - (reads_previous ? 1 : 0);
    }
    /// The decoder layer that reads point p, or -1.
    static constexpr int layer_at(int p) {
      for (int m = 0; m < Depth; ++m)
        if (point_of(m) == p) return m;
      return -1;
    }
    static constexpr Reads reads(int point) { return {layer_at(point) >= 0, false}; }

    template <class C> struct Parameters {
      typename Repeated<Block, shared ? 0 : Depth>::template Parameters<C> blocks;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at)
          : blocks(at.in("decoder_blocks.{}.")), head(at.in("decoder_pred.")) {}
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      using Space = SpaceOf<D>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            rows_(context.tables.streams[0].source.size()),
            stack_(context, rows_, context.recompute,
                   [&](int) {
                     return typename Cross::template Saved<D>(context, rows_,
                                                              context.tables.source.size());
                   }),
            output_(context, rows_) {
        const auto queries = stack_.tokens(0);
        context.run(ops::Fill<D>{.y = queries});
        context.positions.add(context, queries, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        const int m = layer_at(point);
        if (m < 0) return;
        if constexpr (shared)
          stack_.forward(context_, *io.weights, m, input(io.output));
        else
          stack_.forward(context_, p_.blocks[m], m, input(io.output));
      }
      void finish() {
        Output::forward(context_, {*norm_.weights, p_.head}, stack_.tokens(Depth), output_);
      }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      /// `dprediction` per stream; takes the gradient of the query stream from the arena.
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dg_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {stack_.tokens(Depth), output_}, dprediction[0], dg_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (const int m = layer_at(point); m >= 0) {
          if constexpr (shared)
            stack_.backward(context_, {*io.weights, *d.weights}, m, input(io.output),
                            {dg_, d.output});
          else
            stack_.backward(context_, {p_.blocks[m], gradient.blocks[m]}, m, input(io.output),
                            {dg_, d.output});
        }
        if (point == 0) context_.positions.backward(context_, dg_, context_.patches_of(0));
      }

     private:
      typename Cross::template Input<D> input(ConstTokens<D, dim> content) const {
        return {{},
                {content, context_.turn()},
                Context::reach(context_.tables.streams[0].content),
                context_.turn_of(0)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      BlockStack<Cross, Depth, D> stack_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit
