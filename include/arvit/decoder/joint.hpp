// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/block_stack.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

/// MAE's decoder (He et al. 2022): a light transformer over latents and mask tokens together, all
/// seeing all. The encoder's final norm and a linear map bring the latents to width Dim; masked
/// places hold a learned token; both get positions of width Dim. Only masked patches are predicted,
/// so the last block computes only their rows.
///
/// The released code restores reading order first. Attention without a mask does not depend on the
/// order of tokens, so here they stay sorted: class token, visible patches, masked patches.
template <int Depth, int Dim, int Heads> struct Joint {
  static constexpr bool has_layers = Depth > 0, splits = Heads > 0 && Dim % Heads == 0,
                        has_positions = Dim > 0 && Dim % 4 == 0;
  static constexpr bool well_formed = has_layers && splits && has_positions;
  static_assert(has_layers,
                "Joint<Depth, Dim, Heads>: Depth counts decoder layers; it must be positive.");
  static_assert(
      splits,
      "Joint<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  static_assert(has_positions || !splits,
                "Joint<Depth, Dim, Heads>: sin-cos positions need a Dim that is a multiple of 4.");
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Epsilon = typename Encoder::Epsilon;
    using Block = arvit::Block<Dim, Heads, 4, false, Epsilon>;
    using Self = EncoderBlock<Block>;
    using Last = CrossBlock<Block>;
    using Embed = Linear<dim, Dim>;
    using Norm = typename Encoder::Norm;
    using Output = NormedHead<HeadKind, LayerNorm<Dim, Epsilon>, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}, true};
    static constexpr bool uses_norm = true, two_groups = true;
    static constexpr int position_dim = Dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    template <class C> struct Parameters {
      typename Embed::template Parameters<C> embed;
      typename C::template VectorView<Dim> mask_token;
      typename Repeated<Block, Depth>::template Parameters<C> blocks;
      typename Output::template NormParameters<C> norm;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at)
          : embed(at.in("decoder_embed.")),
            mask_token(at.template token<Dim>({"mask_token", {Init::normal, 0.02}})),
            blocks(at.in("decoder_blocks.{}.")),
            norm(at.in("decoder_norm.")),
            head(at.in("decoder_pred.")) {}
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      using Space = SpaceOf<D>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            latents_(context.tables.source.size()),
            rows_(context.tables.joint.source.size()),
            masked_(context.tables.joint.of_query.size()),
            moments_(take_statistics<2>(context, latents_)),
            stack_(context, rows_, context.recompute,
                   [&](int) { return typename Self::template Saved<D>(context, rows_, false); }) {
        last_ = {context, masked_, rows_};
        query_ = take_tokens<Dim>(context, masked_);
        result_ = take_tokens<Dim>(context, masked_);
        output_ = {context, masked_};
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == Encoder::depth) content_ = io.output;
      }
      void finish() {
        const auto& joint = context_.tables.joint;
        {
          const ArenaScope scope(context_.arena);
          const auto normed = take_tokens<dim>(context_, latents_);
          const auto latent = take_tokens<Dim>(context_, latents_);
          Norm::forward(context_, *norm_.weights, content_, normed, moments_);
          Embed::forward(context_, p_.embed, normed, latent);
          const auto x = stack_.tokens(0);
          context_.run(ops::Fill<D>{.y = x});
          context_.run(ops::ScatterAddRows<D>{.x = latent, .index = joint.of_content, .y = x});
          context_.run(ops::PutToken<D>{.y = x, .rows = joint.of_query, .token = p_.mask_token});
          context_.decoder_positions.add(context_, x, {joint.source, context_.permutation});
        }
        for (int m = 0; m < before_last; ++m) stack_.forward(context_, p_.blocks[m], m, self());
        context_.run(ops::GatherRows<D>{
            .x = stack_.tokens(before_last), .index = joint.of_query, .y = query_});
        Last::forward(context_, p_.blocks[before_last], last(), last_, result_);
        Output::forward(context_, {p_.norm, p_.head}, result_, output_);
      }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        const auto& joint = context_.tables.joint;
        dcontent_ = take_tokens<dim>(context_, latents_);
        const ArenaScope scope(context_.arena);
        const auto dx = take_tokens<Dim>(context_, rows_);
        {
          const ArenaScope inner(context_.arena);
          const auto dquery = take_tokens<Dim>(context_, masked_);
          Output::backward(context_, {{p_.norm, p_.head}, {gradient.norm, gradient.head}},
                           {result_, output_}, dprediction[0], dquery);
          context_.run(ops::Fill<D>{.y = dx});
          Last::backward(context_, {p_.blocks[before_last], gradient.blocks[before_last]}, last(),
                         last_, {dquery, dx});
          context_.run(ops::ScatterAddRows<D>{.x = dquery, .index = joint.of_query, .y = dx});
        }
        {
          const ArenaScope inner(context_.arena);
          const auto dqkv = take_tokens<3 * Dim>(context_, rows_);
          for (int m = before_last - 1; m >= 0; --m)
            stack_.backward(context_, {p_.blocks[m], gradient.blocks[m]}, m, self(), {dx, dqkv});
        }
        context_.run(
            ops::TokenGradient<D>{.dx = dx, .rows = joint.of_query, .dtoken = gradient.mask_token});
        const auto dlatent = take_tokens<Dim>(context_, latents_);
        const auto normed = take_tokens<dim>(context_, latents_);
        const auto dnormed = take_tokens<dim>(context_, latents_);
        context_.run(ops::GatherRows<D>{.x = dx, .index = joint.of_content, .y = dlatent});
        Norm::again(context_, *norm_.weights, {content_, moments_}, normed);
        Embed::backward(context_, {p_.embed, gradient.embed}, normed, dlatent, dnormed);
        Norm::backward(context_, {*norm_.weights, *norm_.gradient}, {content_, moments_}, dnormed,
                       {dcontent_});
      }
      void backward(int point, const LayerIO<D, Encoder>&, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>&) {
        if (point == Encoder::depth) context_.run(ops::Add<D>{.x = dcontent_, .y = d.output});
      }

     private:
      static constexpr int before_last = Depth - 1;
      typename Self::template Input<D> self() const {
        return {{}, Context::reach(context_.tables.joint.self)};
      }
      typename Last::template Input<D> last() const {
        return {query_, {stack_.tokens(before_last)}, Context::reach(context_.tables.joint.last)};
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      std::int64_t latents_, rows_, masked_;
      ConstTokens<D, dim> content_;
      typename Norm::template Moments<D> moments_;
      BlockStack<Self, before_last, D> stack_;
      typename Last::template Saved<D> last_;
      Tokens<D, Dim> query_, result_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dcontent_;
    };
  };
};

}  // namespace arvit
