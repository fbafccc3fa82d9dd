// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>

#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
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
    using Block = arvit::Block<dim, Encoder::heads, Encoder::mlp_ratio, true>;
    using Cross = CrossBlock<std::conditional_t<shared, typename Encoder::Block, Block>>;
    using Output = NormedHead<HeadKind, dim, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}, false};
    static constexpr bool uses_norm = true;
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

    static constexpr std::int64_t parameter_count = (shared ? 0 : Depth * Block::parameter_count) +
                                                    Output::Head::parameter_count;
    static constexpr auto groups() {
      constexpr Group head{"decoder_pred.", Output::Head::tensors()};
      if constexpr (shared)
        return std::tuple(head);
      else
        return std::tuple(Group{"decoder_blocks.{}.", Block::tensors(), Depth}, head);
    }
    template <class C> struct Parameters {
      C at;
      std::int64_t blocks;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& from)
          : at(from),
            blocks(from.offset()),
            head((from = from.at(blocks + (shared ? 0 : Depth * Block::parameter_count)), from)) {}
      auto block(int m) const {
        auto from = at.at(blocks + m * Block::parameter_count);
        return typename Cross::template Parameters<C>(from);
      }
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      using Space = SpaceOf<D>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, dim> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            rows_(context.tables.streams[0].source.size()) {
        for (auto& g : g_) g = take_tokens<dim>(context, rows_);
        for (int m = 0; m < Depth; ++m) {
          if (context.recompute && m > 0)
            saved_[m] = saved_[0];
          else
            saved_[m] = {context, rows_, context.tables.source.size()};
        }
        output_ = {context, rows_};
        context.run(ops::Fill<D>{.y = g_[0]});
        context.run(ops::AddPositions<D>{
            .x = g_[0], .table = context.positions, .from = context.patches_of(0)});
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        const int m = layer_at(point);
        if (m < 0) return;
        if constexpr (shared)
          Cross::forward(context_, *io.weights, input(m, io.output), saved_[m], g_[m + 1]);
        else
          Cross::forward(context_, p_.block(m), input(m, io.output), saved_[m], g_[m + 1]);
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, g_[Depth], output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      /// `dprediction` per stream; takes the gradient of the query stream from the arena.
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dg_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {g_[Depth], output_}, dprediction[0], dg_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        const int m = layer_at(point);
        if (m < 0) return;
        if constexpr (shared)
          backward_block({*io.weights, *d.weights}, m, io.output, d.output);
        else
          backward_block({p_.block(m), gradient.block(m)}, m, io.output, d.output);
      }

     private:
      using CrossWeights = Learned<typename Cross::Shared, D>;
      void backward_block(const CrossWeights& w, int m, ConstTokens<D, dim> content,
                          Tokens<D, dim> dcontent) {
        if (context_.recompute) Cross::again(context_, w.weights, input(m, content), saved_[m]);
        Cross::backward(context_, w, input(m, content), saved_[m], {dg_, dcontent});
      }
      typename Cross::template Input<D> input(int m, ConstTokens<D, dim> content) const {
        return {g_[m], content, Context::reach(context_.tables.streams[0].content)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      std::int64_t rows_;
      std::array<Tokens<D, dim>, Depth + 1> g_;
      std::array<typename Cross::template Saved<D>, Depth> saved_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit
