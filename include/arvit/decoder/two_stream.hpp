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
        for (auto& g : g_) g = context.arena.template rows<Activation<D>, dim, Space>(rows_);
        for (int l = 0; l < depth; ++l) {
          if (context.recompute && l > 0)
            saved_[l] = saved_[0];
          else
            saved_[l] = {context.arena, rows_};
        }
        output_ = {context.arena, rows_};
        context.device.put_token(g_[0], {}, p_.token, Write::assign);
        if constexpr (!token_only)
          context.device.add_positions(g_[0], context.positions, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == 0) return;
        const int l = point - 1;
        const auto k = Content::key(io.qkv), v = Content::value(io.qkv);
        Query::template forward_reading<D>(context_.device, context_.arena, *io.weights, g_[l], k,
                                           v, reach(), {}, saved_[l], g_[point]);
      }
      void finish() {
        Output::forward(context_.device, context_.arena, *norm_.weights, p_.head, g_[depth],
                        output_);
      }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dg_ = context_.arena.template rows<Activation<D>, dim, Space>(rows_);
        Output::backward(context_.device, context_.arena, *norm_.weights, p_.head, g_[depth],
                         output_, dprediction[0], dg_, *norm_.gradient, gradient.head);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point == 0) return context_.device.token_gradient(dg_, {}, gradient.token);
        const int l = point - 1;
        const auto k = Content::key(io.qkv), v = Content::value(io.qkv);
        if (context_.recompute)
          Query::template again_reading<D>(context_.device, context_.arena, *io.weights, g_[l], k,
                                           v, reach(), {}, saved_[l]);
        Query::template backward_reading<D>(context_.device, context_.arena, *io.weights, g_[l], k,
                                            v, reach(), {}, saved_[l], dg_, Content::key(d.qkv),
                                            Content::value(d.qkv), Write::add, *d.weights);
      }

     private:
      Reach<Space> reach() const { return Context::reach(context_.tables.streams[0].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      std::int64_t rows_;
      std::array<Tokens<D, dim>, depth + 1> g_;
      std::array<typename Query::template Saved<D>, depth> saved_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit
