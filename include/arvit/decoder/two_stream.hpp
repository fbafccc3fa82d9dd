// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/block_stack.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

struct QueryStartCategory;
/// Queries start as the token alone, as GVP §4.1 prints it: the queries of one group then have
/// equal inputs and equal keys, so one prediction.
struct TokenOnly {
  using Category = QueryStartCategory;
};

/// GVP's two streams (Eq. 7; after XLNet): queries start as one learned token plus their position
/// and pass through the encoder's own blocks. Query layer l reads the keys and values inside
/// content layer l, strictly lower ranks and not each other; every patch outside rank 0 is
/// predicted: head(norm(g)). Nobody reads the output of the last content layer, so that layer
/// computes no more than its keys and values. Drop path, where it is asked for, thins the content
/// stream only.
///
/// Options: TokenOnly.
template <class... Options> struct TwoStream {
  using Known = Accepts<QueryStartCategory>;
  static constexpr bool knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>;
  static constexpr bool well_formed = knows_options && has_each_once;
  static_assert(knows_options,
                "TwoStream<Options...>: the option is TokenOnly; for one of your own, wrap the "
                "kind (decoder/seam.hpp).");
  static_assert(has_each_once, "TwoStream<Options...>: an option is repeated; give each once.");
  static constexpr bool token_only = option_count<QueryStartCategory, Options...> == 1;
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim, depth = Encoder::depth;
    using Content = EncoderBlock<typename Encoder::Block>;
    using Query = ReadingBlock<typename Encoder::Block>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}};
    static constexpr bool uses_norm = true, needs_positions = !token_only;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {false, point >= 1}; }

    template <class C> struct Parameters : TokenAndHead<Output>::template Parameters<C> {
      constexpr explicit Parameters(C& at)
          : TokenAndHead<Output>::template Parameters<C>(at, "query_token") {}
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
                   [&](int) { return typename Query::template Saved<D>(context, rows_); }),
            output_(context, rows_) {
        const auto queries = stack_.tokens(0);
        context.run(ops::PutToken<D>{.y = queries, .rows = AllRows{}, .token = p_.token});
        if constexpr (!token_only) context.positions.add(context, queries, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == 0) return;
        stack_.forward(context_, *io.weights, point - 1, input(io));
      }
      void finish() {
        Output::forward(context_, {*norm_.weights, p_.head}, stack_.tokens(depth), output_);
      }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dg_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {stack_.tokens(depth), output_}, dprediction[0], dg_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point == 0) {
          context_.run(
              ops::TokenGradient<D>{.dx = dg_, .rows = AllRows{}, .dtoken = gradient.token});
          if constexpr (!token_only)
            context_.positions.backward(context_, dg_, context_.patches_of(0));
          return;
        }
        stack_.backward(context_, {*io.weights, *d.weights}, point - 1, input(io),
                        {dg_, Content::key(d.qkv), Content::value(d.qkv), Write::add});
      }

     private:
      typename Query::template Input<D> input(const LayerIO<D, Encoder>& io) const {
        return {{},
                Content::key(io.qkv),
                Content::value(io.qkv),
                Context::reach(context_.tables.streams[0].content),
                context_.turn_of(0)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      BlockStack<Query, depth, D> stack_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit
