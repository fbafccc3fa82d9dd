// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

/// Mask tokens inside the encoder (SimMIM, BEiT, EVA; GVP Table 10, "pure masked modeling"): masked patches, those of rank 1, enter as one learned
/// token plus their position, the whole image is encoded with every token seeing every token, and head(norm(h)) of the masked rows is predicted.
struct InPlace {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width>
  struct For {
    static constexpr int dim = Encoder::dim;
    using Output = NormedHead<HeadKind, dim, Width>;

    static constexpr RankRules<1> rules{Encoder::has_class_token ? ClassToken::first : ClassToken::none, {QueryStream{.content = Sees::nothing}}, false, true};
    static constexpr bool uses_norm = true, two_groups = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    static constexpr std::int64_t parameter_count = dim + Output::Head::parameter_count;
    static constexpr auto groups() {
      return std::tuple(Group{"", Tensors<1>{Tensor{"mask_token", {1, 1, dim}, {Init::normal, 0.02}, true}}}, Group{"decoder_pred.", Output::Head::tensors()});
    }
    template <class C>
    struct Parameters {
      typename C::template VectorView<dim> mask_token;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at) : mask_token(at.template vector<dim>()), head(at) {}
    };

    template <class D>
    class Run {
     public:
      using Context = StepContext<D, 1>;

      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, dim> norm)
          : context_(context), p_(parameters), norm_(norm), masked_(taken()), output_(context.arena, masked_.rows()) {}

      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == 0) put_mask_tokens(io.embedding);
        if (point == Encoder::depth) context_.device.gather_rows(io.output, rows(), masked_);
      }
      void finish() { Output::forward(context_.device, context_.arena, *norm_.weights, p_.head, masked_, output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }

      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction, const Parameters<Adding<D>>& gradient) {
        dmasked_ = taken();
        Output::backward(context_.device, context_.arena, *norm_.weights, p_.head, masked_, output_, dprediction[0], dmasked_, *norm_.gradient, gradient.head);
      }
      void backward(int point, const LayerIO<D, Encoder>&, const LayerGradient<D, Encoder>& d, const Parameters<Adding<D>>& gradient) {
        if (point == Encoder::depth) context_.device.scatter_add_rows(dmasked_, rows(), d.output);
        if (point > 0 || rows().empty()) return;
        context_.device.token_gradient(d.output, rows(), gradient.mask_token);
        context_.device.clear_rows(d.output, rows());  // the patch embedding has no part in them
      }

     private:
      /// Where the masked patches are among the tokens.
      Span<const std::int32_t, SpaceOf<D>> rows() const { return context_.tables.streams[0].content_row; }
      Tokens<D, dim> taken() { return context_.arena.template rows<Activation<D>, dim, SpaceOf<D>>(rows().size()); }
      void put_mask_tokens(Tokens<D, dim> embedding) {
        context_.device.put_token(masked_, {}, p_.mask_token, Write::assign);
        context_.device.add_positions(masked_, context_.positions, context_.patches_of(0));
        context_.device.clear_rows(embedding, rows());
        context_.device.scatter_add_rows(masked_, rows(), embedding);
      }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      Tokens<D, dim> masked_, dmasked_;  ///< the rows of masked patches: first as they enter, then as the last layer leaves them
      typename Output::template Saved<D> output_;
    };
  };
};

}  // namespace arvit
