// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

/// No decoder (ViT-iGPT; SAIM Table 3, depth 0): the output at a token predicts the next patch of
/// the order, the class token's output the first. Content row i is at the same time the query for
/// patch i + 1, so the rows of the query stream are the content rows, shifted.
struct Causal {
  using DefaultHead = MlpHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr bool well_formed = Encoder::leading_tokens == 1;
    static_assert(well_formed,
                  "Decoder<Causal>: the first patch is predicted from the class token; drop "
                  "NoClassToken, or give one condition instead.");
    static constexpr int dim = Encoder::dim;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;

    static constexpr RankRules<1> rules{ClassToken::first, {QueryStream{}}, false};
    static constexpr bool uses_norm = true, one_patch_per_group = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    template <class C> struct Parameters {
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at) : head(at.in("decoder_pred.")) {}
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      using Space = SpaceOf<D>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            rows_(context.tables.source.size()),
            output_(context, rows_) {
        if (rows_ != context.tables.streams[0].source.size())
          fail<ShapeError>(
              "Decoder<Causal>: the order has groups of several patches; it needs one patch per "
              "rank, all ranks from 1.");
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == Encoder::depth) tokens_ = io.output;
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, tokens_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dtokens_ = take_tokens<dim>(context_, rows_);
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {tokens_, output_}, dprediction[0], dtokens_);
      }
      void backward(int point, const LayerIO<D, Encoder>&, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>&) {
        if (point == Encoder::depth) context_.run(ops::Add<D>{.x = dtokens_, .y = d.output});
      }

     private:
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t rows_;
      typename Output::template Saved<D> output_;
      ConstTokens<D, dim> tokens_;
      Tokens<D, dim> dtokens_;
    };
  };
};

}  // namespace arvit
