// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
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
    using Query = CrossBlock<typename Encoder::Block>;
    using Output = NormedHead<HeadKind, dim, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {false, point >= 1}; }

    using Own = TokenAndHead<Output, dim>;
    static constexpr std::int64_t parameter_count = Own::parameter_count;
    static constexpr auto groups() { return Own::groups("query_token"); }
    template <class C> using Parameters = typename Own::template Parameters<C>;

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
        for (int l = 0; l < depth; ++l) {
          if (context.recompute && l > 0)
            saved_[l] = saved_[0];
          else
            saved_[l] = {context, rows_};
        }
        output_ = {context, rows_};
        context.run(ops::PutToken<D>{.y = g_[0], .rows = AllRows{}, .token = p_.token});
        if constexpr (!token_only)
          context.run(ops::AddPositions<D>{
              .x = g_[0], .table = context.positions, .from = context.patches_of(0)});
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == 0) return;
        const int l = point - 1;
        Query::forward_reading(context_, *io.weights, readers(l, io), saved_[l], g_[point]);
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, g_[depth], output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dg_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {g_[depth], output_}, dprediction[0], dg_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point == 0) {
          context_.run(
              ops::TokenGradient<D>{.dx = dg_, .rows = AllRows{}, .dtoken = gradient.token});
          return;
        }
        const int l = point - 1;
        if (context_.recompute)
          Query::again_reading(context_, *io.weights, readers(l, io), saved_[l]);
        Query::backward_reading(context_, {*io.weights, *d.weights}, readers(l, io), saved_[l],
                                {dg_, Content::key(d.qkv), Content::value(d.qkv), Write::add});
      }

     private:
      typename Query::template Readers<D> readers(int l, const LayerIO<D, Encoder>& io) const {
        return {g_[l], Content::key(io.qkv), Content::value(io.qkv),
                Context::reach(context_.tables.streams[0].content)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      std::int64_t rows_;
      std::array<Tokens<D, dim>, depth + 1> g_;
      std::array<typename Query::template SavedReading<D>, depth> saved_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit
