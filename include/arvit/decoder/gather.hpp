// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/nn/linear.hpp"

namespace arvit {

/// One attention: a query is a linear map of its patch's sin-cos position, and reads the last
/// layer's tokens of lower ranks, which are keys and values as they are; head(norm(what it
/// gathers)) is predicted. A query that reads nothing gathers zeros.
struct Gather {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Query = Linear<dim, dim>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}, false};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    template <class C> struct Parameters {
      typename Query::template Parameters<C> query;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at)
          : query(at.in("decoder_query.")), head(at.in("decoder_pred.")) {}
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
            positions_(take_tokens<dim>(context, rows_)),
            queries_(take_tokens<dim>(context, rows_)),
            gathered_(take_tokens<dim>(context, rows_)),
            lse_(take_statistics<Encoder::heads>(context, rows_)),
            output_(context, rows_) {
        context.run(ops::Fill<D>{.y = positions_});
        context.decoder_positions.add(context, positions_, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point != Encoder::depth) return;
        Query::forward(context_, p_.query, positions_, queries_);
        context_.run(ops::Attention<D>{.q = queries_,
                                       .k = io.output,
                                       .v = io.output,
                                       .heads = Encoder::heads,
                                       .reach = reach(),
                                       .out = gathered_,
                                       .lse = lse_});
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, gathered_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dgathered_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {gathered_, output_}, dprediction[0], dgathered_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point != Encoder::depth) return;
        const ArenaScope scope(context_.arena);
        const auto dqueries = take_tokens<dim>(context_, rows_);
        const auto dkeys = take_tokens<dim>(context_, d.output.rows());
        const auto dvalues = take_tokens<dim>(context_, d.output.rows());
        context_.run(ops::AttentionBackward<D>{.dout = dgathered_,
                                               .q = queries_,
                                               .k = io.output,
                                               .v = io.output,
                                               .out = gathered_,
                                               .lse = lse_,
                                               .heads = Encoder::heads,
                                               .reach = reach(),
                                               .dq = dqueries,
                                               .dk = dkeys,
                                               .dv = dvalues});
        context_.run(ops::Add<D>{.x = dkeys, .y = d.output});
        context_.run(ops::Add<D>{.x = dvalues, .y = d.output});
        Query::backward_weight(context_, positions_, dqueries, gradient.query);
      }

     private:
      Reach<Space> reach() const { return Context::reach(context_.tables.streams[0].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      Tokens<D, dim> positions_, queries_, gathered_, dgathered_;
      Rows<Statistic<D>, Encoder::heads, Space> lse_;
      typename Output::template Saved<D> output_;
    };
  };
};

}  // namespace arvit
