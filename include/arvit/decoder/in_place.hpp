// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/core/host_device.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

namespace detail {
/// to[i] = from[row[i]].
template <class T> struct PickRows {
  const T* from;
  const std::int32_t* row;
  T* to;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const { to[i] = from[row[i]]; }
};
}  // namespace detail

/// Mask tokens inside the encoder (SimMIM, BEiT, EVA; GVP Table 10, "pure masked modeling"): masked
/// patches, those of rank 1, enter as one learned token plus their position, the whole image is
/// encoded with every token seeing every token, and head(norm(h)) of the masked rows is predicted.
/// Only these rows of the last layer are read, so of the others that layer computes no more than
/// keys and values.
struct InPlace {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Content = EncoderBlock<typename Encoder::Block>;
    using Last = ReadingBlock<typename Encoder::Block>;
    using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none,
        {QueryStream{.content = Sees::up_to}},
        false,
        true};
    static constexpr bool uses_norm = true, two_groups = true, needs_positions = true;
    static constexpr int position_dim = dim, before_last = Encoder::depth - 1;
    static constexpr Reads reads(int point) {
      return {point == before_last, point == Encoder::depth};
    }

    template <class C> struct Parameters : TokenAndHead<Output>::template Parameters<C> {
      constexpr explicit Parameters(C& at)
          : TokenAndHead<Output>::template Parameters<C>(at, "mask_token") {}
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      using Space = SpaceOf<D>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            masked_(taken()),
            result_(taken()),
            last_(context, masked_.rows()),
            output_(context, masked_.rows()) {
        if (!context.drop_path.empty())
          scales_ = {scale(2 * before_last), scale(2 * before_last + 1)};
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == 0) {
          context_.run(ops::PutToken<D>{.y = masked_, .rows = AllRows{}, .token = p_.token});
          context_.positions.add(context_, masked_, context_.patches_of(0));
          context_.run(ops::ClearRows<D>{.y = io.embedding, .index = rows()});
          context_.run(ops::ScatterAddRows<D>{.x = masked_, .index = rows(), .y = io.embedding});
        }
        if (point == before_last)
          context_.run(ops::GatherRows<D>{.x = io.output, .index = rows(), .y = masked_});
        if (point == Encoder::depth)
          Last::forward(context_, *io.weights, readers(io), last_, result_);
      }
      void finish() { Output::forward(context_, {*norm_.weights, p_.head}, result_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        dmasked_ = taken();
        Output::backward(context_, {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                         {result_, output_}, dprediction[0], dmasked_);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>& gradient) {
        if (point == Encoder::depth)
          Last::backward(context_, {*io.weights, *d.weights}, readers(io), last_,
                         {dmasked_, Content::key(d.qkv), Content::value(d.qkv), Write::add});
        if (point == before_last)
          context_.run(ops::ScatterAddRows<D>{.x = dmasked_, .index = rows(), .y = d.output});
        if (point > 0) return;
        context_.run(
            ops::TokenGradient<D>{.dx = d.output, .rows = rows(), .dtoken = gradient.token});
        if (!context_.positions.gradient.empty()) {
          const auto dembedded = dmasked_;  // free since the layers before the last
          context_.run(ops::GatherRows<D>{.x = d.output, .index = rows(), .y = dembedded});
          context_.positions.backward(context_, dembedded, context_.patches_of(0));
        }
        // The patch embedding has no part in them.
        context_.run(ops::ClearRows<D>{.y = d.output, .index = rows()});
      }

     private:
      /// Where the masked patches are among the tokens.
      Span<const std::int32_t, Space> rows() const {
        return context_.tables.streams[0].content_row;
      }
      typename Last::template Input<D> readers(const LayerIO<D, Encoder>& io) const {
        return {masked_,
                Content::key(io.qkv),
                Content::value(io.qkv),
                Context::reach(context_.tables.streams[0].content),
                context_.turn_of(0),
                scales_};
      }
      Tokens<D, dim> taken() { return take_tokens<dim>(context_, rows().size()); }
      /// Drop path of a branch for these rows.
      Span<const Statistic<D>, Space> scale(int branch) {
        const auto result = context_.arena.template span<Statistic<D>, Space>(rows().size());
        const Statistic<D>* of_all = context_.drop_path.data() +
                                     branch * context_.tables.source.size();
        context_.device.for_each(
            rows().size(), detail::PickRows<Statistic<D>>{of_all, rows().data(), result.data()});
        return result;
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      Tokens<D, dim> masked_, result_,
          dmasked_;  ///< masked patches before the last layer, after it
      BranchScales<D> scales_;
      typename Last::template Saved<D> last_;
      typename Output::template Saved<D> output_;
    };
  };
};

}  // namespace arvit
