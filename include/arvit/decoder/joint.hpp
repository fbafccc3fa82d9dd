// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>

#include "arvit/decoder/seam.hpp"
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
    using Block = arvit::Block<Dim, Heads, 4, false>;
    using Self = EncoderBlock<Block>;
    using Last = CrossBlock<Block>;
    using Embed = Linear<dim, Dim>;
    using Norm = LayerNorm<dim>;
    using Output = NormedHead<HeadKind, Dim, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{}}, true};
    static constexpr bool uses_norm = true, two_groups = true;
    static constexpr int position_dim = Dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    static constexpr std::int64_t parameter_count = Embed::parameter_count + Dim +
                                                    Depth * Block::parameter_count +
                                                    Output::Norm::parameter_count +
                                                    Output::Head::parameter_count;
    static constexpr auto groups() {
      return std::tuple(
          Group{"",
                join(prefixed("decoder_embed.", Embed::tensors()),
                     Tensors<1>{Tensor{"mask_token", {1, 1, Dim}, {Init::normal, 0.02}, true}})},
          Group{"decoder_blocks.{}.", Block::tensors(), Depth},
          Group{"", join(prefixed("decoder_norm.", Output::Norm::tensors()),
                         prefixed("decoder_pred.", Output::Head::tensors()))});
    }
    template <class C> struct Parameters {
      typename Embed::template Parameters<C> embed;
      typename C::template VectorView<Dim> mask_token;
      C at;
      std::int64_t blocks;
      typename Output::template NormParameters<C> norm;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& from)
          : embed(from),
            mask_token(from.template vector<Dim>()),
            at(from),
            blocks(from.offset()),
            norm((from = from.at(blocks + Depth * Block::parameter_count), from)),
            head(from) {}
      auto block(int m) const {
        auto from = at.at(blocks + m * Block::parameter_count);
        return typename Block::template Parameters<C>(from);
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
            latents_(context.tables.source.size()),
            rows_(context.tables.joint.source.size()),
            masked_(context.tables.joint.of_query.size()) {
        moments_ = context.arena.template rows<Statistic<D>, 2, Space>(latents_);
        for (auto& x : x_) x = context.arena.template rows<Activation<D>, Dim, Space>(rows_);
        for (int m = 0; m + 1 < Depth; ++m) {
          if (context.recompute && m > 0)
            saved_[m] = saved_[0];
          else
            saved_[m] = {context.arena, rows_, false};
        }
        keys_ = {context.arena, rows_};
        last_ = {context.arena, masked_};
        query_ = context.arena.template rows<Activation<D>, Dim, Space>(masked_);
        result_ = context.arena.template rows<Activation<D>, Dim, Space>(masked_);
        output_ = {context.arena, masked_};
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == Encoder::depth) content_ = io.output;
      }
      void finish() {
        D& device = context_.device;
        Arena& arena = context_.arena;
        const auto& joint = context_.tables.joint;
        {
          const ArenaScope scope(arena);
          const auto normed = arena.template rows<Activation<D>, dim, Space>(latents_);
          const auto latent = arena.template rows<Activation<D>, Dim, Space>(latents_);
          Norm::forward(device, *norm_.weights, content_, normed, moments_);
          Embed::forward(device, p_.embed, normed, latent);
          device.fill(x_[0], 0);
          device.scatter_add_rows(latent, joint.of_content, x_[0]);
          device.put_token(x_[0], joint.of_query, p_.mask_token, Write::assign);
          device.add_positions(x_[0], context_.decoder_positions,
                               {joint.source, context_.permutation});
        }
        for (int m = 0; m + 1 < Depth; ++m)
          Self::forward(device, arena, p_.block(m), x_[m], Context::reach(joint.self), {},
                        saved_[m], x_[m + 1]);
        device.gather_rows(x_[Depth - 1], joint.of_query, query_);
        Last::forward(device, arena, p_.block(Depth - 1), query_, x_[Depth - 1],
                      Context::reach(joint.last), last_, keys_, result_);
        Output::forward(device, arena, p_.norm, p_.head, result_, output_);
      }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        D& device = context_.device;
        Arena& arena = context_.arena;
        const auto& joint = context_.tables.joint;
        dcontent_ = arena.template rows<Activation<D>, dim, Space>(latents_);
        const ArenaScope scope(arena);
        const auto dx = arena.template rows<Activation<D>, Dim, Space>(rows_);
        {
          const ArenaScope inner(arena);
          const auto dquery = arena.template rows<Activation<D>, Dim, Space>(masked_);
          Output::backward(device, arena, p_.norm, p_.head, result_, output_, dprediction[0],
                           dquery, gradient.norm, gradient.head);
          device.fill(dx, 0);
          Last::backward(device, arena, p_.block(Depth - 1), query_, x_[Depth - 1],
                         Context::reach(joint.last), last_, keys_, dquery, dx,
                         gradient.block(Depth - 1));
          device.scatter_add_rows(dquery, joint.of_query, dx);
        }
        {
          const ArenaScope inner(arena);
          const auto dqkv = arena.template rows<Activation<D>, 3 * Dim, Space>(rows_);
          for (int m = Depth - 2; m >= 0; --m) {
            if (context_.recompute)
              Self::again(device, arena, p_.block(m), x_[m], Context::reach(joint.self), {},
                          saved_[m]);
            Self::backward(device, arena, p_.block(m), x_[m], Context::reach(joint.self), {},
                           saved_[m], dx, dqkv, Write::assign, gradient.block(m));
          }
        }
        device.token_gradient(dx, joint.of_query, gradient.mask_token);
        const auto dlatent = arena.template rows<Activation<D>, Dim, Space>(latents_);
        const auto normed = arena.template rows<Activation<D>, dim, Space>(latents_);
        const auto dnormed = arena.template rows<Activation<D>, dim, Space>(latents_);
        device.gather_rows(dx, joint.of_content, dlatent);
        Norm::again(device, *norm_.weights, content_, moments_, normed);
        Embed::backward(device, p_.embed, normed, dlatent, dnormed, gradient.embed);
        Norm::backward(device, *norm_.weights, content_, moments_, dnormed, dcontent_,
                       Write::assign, *norm_.gradient);
      }
      void backward(int point, const LayerIO<D, Encoder>&, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>&) {
        if (point == Encoder::depth) context_.device.add(dcontent_, d.output);
      }

     private:
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      std::int64_t latents_, rows_, masked_;
      ConstTokens<D, dim> content_;
      typename Norm::template Moments<D> moments_;
      std::array<Tokens<D, Dim>, Depth> x_;
      std::array<typename Self::template Saved<D>, Depth - 1> saved_;
      typename Last::template Saved<D> last_;
      typename Last::template SavedKeys<D> keys_;
      Tokens<D, Dim> query_, result_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dcontent_;
    };
  };
};

}  // namespace arvit
