// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"
#include "arvit/nn/linear.hpp"

namespace arvit {

/// Predicts from the mean of nothing but positions: a query is its position through one linear map,
/// added to the output of the last layer's tokens that it may see. A decoder of one attention
/// without weights.
struct Gather {
  using DefaultHead = LinearHead;
  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Query = Linear<dim, dim>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;
    static constexpr RankRules<1> rules{ClassToken::first, {QueryStream{}}, false};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }
    template <class C> struct Parameters {
      typename Query::template Parameters<C> query;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at)
          : query(at.in("gather.query.")), head(at.in("gather.pred.")) {}
    };
    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            rows_(context.tables.streams[0].source.size()),
            output_(context, rows_) {
        for (auto* t : {&positions_, &query_, &seen_}) *t = take_tokens<dim>(context, rows_);
        lse_ = take_statistics<Encoder::heads>(context, rows_);
        context.run(ops::Fill<D>{.y = positions_});
        context.positions.add(context, positions_, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point != Encoder::depth) return;
        Query::forward(context_, p_.query, positions_, query_);
        context_.run(ops::Attention<D>{.q = query_,
                                       .k = io.output,
                                       .v = io.output,
                                       .heads = Encoder::heads,
                                       .reach = reach(),
                                       .out = seen_,
                                       .lse = lse_});
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, seen_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dseen_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {seen_, output_}, dprediction[0], dseen_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point != Encoder::depth) return;
        const ArenaScope scope(context_.arena);
        const auto dquery = take_tokens<dim>(context_, rows_);
        const auto dkey = take_tokens<dim>(context_, d.output.rows());
        const auto dvalue = take_tokens<dim>(context_, d.output.rows());
        context_.run(ops::AttentionBackward<D>{.dout = dseen_,
                                               .q = query_,
                                               .k = io.output,
                                               .v = io.output,
                                               .out = seen_,
                                               .lse = lse_,
                                               .heads = Encoder::heads,
                                               .reach = reach(),
                                               .dq = dquery,
                                               .dk = dkey,
                                               .dv = dvalue});
        context_.run(ops::Add<D>{.x = dkey, .y = d.output});
        context_.run(ops::Add<D>{.x = dvalue, .y = d.output});
        Query::backward_weight(context_, positions_, dquery, gradient.query);
      }

     private:
      Reach<SpaceOf<D>> reach() const { return Context::reach(context_.tables.streams[0].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> positions_, query_, seen_, dseen_;
      Rows<Statistic<D>, Encoder::heads, SpaceOf<D>> lse_;
    };
  };
};

}  // namespace arvit
