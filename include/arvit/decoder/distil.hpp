// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/decoder/seam.hpp"
#include "arvit/nn/head.hpp"

namespace arvit {

/// The end of feature distillation: head(norm(h)) of every encoded token is compared with the
/// target of its own place, the class token's with the target's class. Reads the output of the last
/// layer. One part of a decoder; `stream` is its query stream.
template <class Encoder, class HeadKind, int Width> struct DistilHead {
  static constexpr int dim = Encoder::dim;
  using Output = NormedHead<HeadKind, typename Encoder::Norm, Width>;
  static constexpr QueryStream stream{.content = Sees::itself};

  template <class D> class Run {
   public:
    Run() = default;
    Run(const Context<D>& c, std::int64_t rows) : rows_(rows), output_(c, rows) {}
    void read(ConstTokens<D, dim> tokens) { tokens_ = tokens; }
    void finish(const Context<D>& c, const typename Output::template Parameters<Reading<D>>& p) {
      Output::forward(c, p, tokens_, output_);
    }
    Tokens<D, Width> prediction() const { return output_.prediction; }
    /// Takes the gradient of the tokens from the arena; add_to() hands it on.
    void finish_backward(const Context<D>& c, const Learned<Output, D>& w,
                         ConstTokens<D, Width> dprediction) {
      dtokens_ = take_tokens<dim>(c, rows_);
      Output::backward(c, w, {tokens_, output_}, dprediction, dtokens_);
    }
    void add_to(const Context<D>& c, Tokens<D, dim> d) const {
      c.run(ops::Add<D>{.x = dtokens_, .y = d});
    }

   private:
    std::int64_t rows_ = 0;
    typename Output::template Saved<D> output_;
    ConstTokens<D, dim> tokens_;
    Tokens<D, dim> dtokens_;
  };
};

/// No decoder: feature distillation of the encoder's output (D-iGPT Tables 8 and 10, KD and FD;
/// with OrderPolicy<Cluster<1, 1>> the whole image is encoded without a mask). The class token
/// reads all, and is compared too.
struct Distil {
  using DefaultHead = LinearHead;

  template <class Encoder, class HeadKind, int Width> struct For {
    static constexpr int dim = Encoder::dim;
    using Part = DistilHead<Encoder, HeadKind, Width>;

    static constexpr RankRules<1> rules{
        Encoder::has_class_token ? ClassToken::last : ClassToken::none, {Part::stream}, false};
    static constexpr bool uses_norm = true;
    static constexpr int position_dim = dim;
    static constexpr Reads reads(int point) { return {point == Encoder::depth, false}; }

    template <class C> struct Parameters {
      typename Part::Output::template HeadParameters<C> head;
      constexpr explicit Parameters(C& at) : head(at.in("decoder_pred.")) {}
    };

    template <class D> class Run {
     public:
      using Context = StepContext<D, 1>;
      Run(Context& context, const Parameters<Reading<D>>& parameters, FinalNorm<D, Encoder> norm)
          : context_(context),
            p_(parameters),
            norm_(norm),
            part_(context, context.tables.source.size()) {}
      void forward(int point, const LayerIO<D, Encoder>& io) {
        if (point == Encoder::depth) part_.read(io.output);
      }
      void finish() { part_.finish(context_, {*norm_.weights, p_.head}); }
      Tokens<D, Width> prediction(std::size_t) const { return part_.prediction(); }
      void finish_backward(const std::array<Tokens<D, Width>, 1>& dprediction,
                           const Parameters<Adding<D>>& gradient) {
        part_.finish_backward(context_,
                              {{*norm_.weights, p_.head}, {*norm_.gradient, gradient.head}},
                              dprediction[0]);
      }
      void backward(int point, const LayerIO<D, Encoder>&, const LayerGradient<D, Encoder>& d,
                    const Parameters<Adding<D>>&) {
        if (point == Encoder::depth) part_.add_to(context_, d.output);
      }

     private:
      Context& context_;
      const Parameters<Reading<D>>& p_;
      FinalNorm<D, Encoder> norm_;
      typename Part::template Run<D> part_;
    };
  };
};

}  // namespace arvit
