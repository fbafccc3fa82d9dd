// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <tuple>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/head.hpp"

namespace arvit::test {

/// GVP's two streams (spec: gvp.md): queries start as w + position and pass through the encoder's own blocks; query layer l reads the keys
/// and values inside content layer l. So the last content layer computes no more than its keys and values.
struct TwoStream {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width>
  struct For {
    static constexpr int dim = Encoder::dim, depth = Encoder::depth;
    using Cross = CrossBlock<typename Encoder::Block>;
    using Output = NormedHead<HeadKind, dim, Width>;

    static constexpr RankRules<1> rules{ClassToken::first, {QueryStream{}}, false};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {false, point >= 1}; }
    static constexpr std::int64_t parameter_count = dim + Output::Head::parameter_count;
    static constexpr auto groups() {
      return std::tuple(Group{"", Tensors<1>{Tensor{"query_token", {1, 1, dim}, {Init::normal, 0.02}, true}}}, Group{"decoder_pred.", Output::Head::tensors()});
    }
    template <class C>
    struct Parameters {
      typename C::template VectorView<dim> token;
      typename Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at) : token(at.template vector<dim>()), head(at) {}
    };

    template <class D>
    class Run {
     public:
      using Context = StepContext<D, 1>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, dim> norm)
          : context_(context), p_(parameters), norm_(norm), rows_(context.tables.streams[0].source.size()) {
        for (auto& g : g_) g = context.arena.template rows<Activation<D>, dim, SpaceOf<D>>(rows_);
        for (auto& saved : saved_) saved = {context.arena, rows_};
        output_ = {context.arena, rows_};
        context.device.put_token(g_[0], {}, p_.token, Write::assign);
        context.device.add_positions(g_[0], context.positions, context.patches_of(0));
      }
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point > 0) Cross::template forward_reading<D>(context_.device, context_.arena, *io.weights, g_[point - 1], key(io.qkv), value(io.qkv), reach(), {}, saved_[point - 1], g_[point]);
      }
      void finish() { Output::forward(context_.device, context_.arena, *norm_.weights, p_.head, g_[depth], output_); }
      Tokens<D, Width> prediction(std::size_t) const { return output_.prediction; }
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction, const Parameters<Adding<D>>& gradient) {
        dg_ = context_.arena.template rows<Activation<D>, dim, SpaceOf<D>>(rows_);
        Output::backward(context_.device, context_.arena, *norm_.weights, p_.head, g_[depth], output_, dprediction[0], dg_, *norm_.gradient, gradient.head);
      }
      void backward(int point, const LayerIO<D, Encoder>& io, const LayerGradient<D, Encoder>& d, const Parameters<Adding<D>>& gradient) {
        if (point == 0) return context_.device.token_gradient(dg_, {}, gradient.token);
        Cross::template backward_reading<D>(context_.device, context_.arena, *io.weights, g_[point - 1], key(io.qkv), value(io.qkv), reach(), {}, saved_[point - 1], dg_,
                                            key(d.qkv), value(d.qkv), Write::add, *d.weights);
      }

     private:
      static constexpr auto key(auto qkv) { return qkv.template columns<dim, 2 * dim>(); }
      static constexpr auto value(auto qkv) { return qkv.template columns<2 * dim, 3 * dim>(); }
      Reach<SpaceOf<D>> reach() const { return Context::reach(context_.tables.streams[0].content); }
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, dim> norm_;
      std::int64_t rows_;
      std::array<Tokens<D, dim>, depth + 1> g_;
      std::array<typename Cross::template Saved<D>, depth> saved_;
      typename Output::template Saved<D> output_;
      Tokens<D, dim> dg_;
    };
  };
};

}  // namespace arvit::test
