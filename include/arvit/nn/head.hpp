// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/layer_norm.hpp"
#include "arvit/nn/mlp.hpp"

/// From a decoder's tokens to predictions. Tags choose the kind; a decoder names the one it uses
/// when none is given.
namespace arvit {

struct HeadCategory;
/// One affine map (MAE, GVP, D-iGPT). Parameters "weight", "bias".
struct LinearHead {
  using Category = HeadCategory;
};
/// In -> 4 In -> Out with GELU (SAIM, SemAIM). Parameters "fc1.weight", ...
struct MlpHead {
  using Category = HeadCategory;
};

/// Head<Kind, In, Out>: forward keeps `Saved`; backward reads it beside the head's input, `Seen`.
template <class Kind, int In, int Out> struct Head;

template <int In, int Out> struct Head<LinearHead, In, Out> : Linear<In, Out> {
  using Layer = Linear<In, Out>;
  template <class D> struct Saved {
    Saved() = default;
    Saved(const Context<D>&, std::int64_t) {}
  };
  template <class D> struct Seen {
    ConstTokens<D, In> x;
    const Saved<D>& saved;
  };
  template <Device D>
  static void forward(const Context<D>& c, const typename Layer::template Parameters<Reading<D>>& p,
                      ConstTokens<D, In> x, Saved<D>&, Tokens<D, Out> y) {
    Layer::forward(c, p, x, y);
  }
  template <Device D>
  static void backward(const Context<D>& c, const Learned<Layer, D>& w, const Seen<D>& seen,
                       ConstTokens<D, Out> dy, Tokens<D, In> dx) {
    Layer::backward(c, w, seen.x, dy, dx);
  }
};

template <int In, int Out> struct Head<MlpHead, In, Out> : Mlp<In, 4 * In, Out> {
  using Layer = Mlp<In, 4 * In, Out>;
  template <class D> struct Saved {
    Tokens<D, 4 * In> hidden;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows) : hidden(take_tokens<4 * In>(c, rows)) {}
  };
  template <class D> struct Seen {
    ConstTokens<D, In> x;
    const Saved<D>& saved;
  };
  template <Device D>
  static void forward(const Context<D>& c, const typename Layer::template Parameters<Reading<D>>& p,
                      ConstTokens<D, In> x, Saved<D>& saved, Tokens<D, Out> y) {
    Layer::forward(c, p, x, {saved.hidden, y});
  }
  template <Device D>
  static void backward(const Context<D>& c, const Learned<Layer, D>& w, const Seen<D>& seen,
                       ConstTokens<D, Out> dy, Tokens<D, In> dx) {
    Layer::backward(c, w, {seen.x, seen.saved.hidden}, dy, dx);
  }
};

/// prediction = head(norm(x)): how every decoder ends. Keeps the moments and what the head keeps;
/// norm(x) is recomputed.
template <class HeadKind, class Norm_, int Width> struct NormedHead {
  using Norm = Norm_;
  static constexpr int Dim = Norm::dim;
  using Head = arvit::Head<HeadKind, Dim, Width>;
  template <class C> using NormParameters = typename Norm::template Parameters<C>;
  template <class C> using HeadParameters = typename Head::Layer::template Parameters<C>;
  /// Norm and head may lie apart: the norm may be the encoder's.
  template <class C> struct Parameters {
    const NormParameters<C>& norm;
    const HeadParameters<C>& head;
  };

  template <class D> struct Saved {
    typename Norm::template Moments<D> moments;
    typename Head::template Saved<D> head;
    Tokens<D, Width> prediction;
    Saved() = default;
    Saved(const Context<D>& c, std::int64_t rows)
        : moments(take_statistics<2>(c, rows)),
          head(c, rows),
          prediction(take_tokens<Width>(c, rows)) {}
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                      Saved<D>& saved) {
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<Dim>(c, x.rows());
    Norm::forward(c, p.norm, x, normed, saved.moments);
    Head::forward(c, p.head, normed, saved.head, saved.prediction);
  }
  template <class D> struct Seen {
    ConstTokens<D, Dim> x;
    const Saved<D>& saved;
  };
  /// dx = norm'(head'(dprediction))
  template <Device D>
  static void backward(const Context<D>& c, const Learned<NormedHead, D>& w, const Seen<D>& seen,
                       ConstTokens<D, Width> dprediction, Tokens<D, Dim> dx) {
    const auto& [x, saved] = seen;
    const ArenaScope scope(c.arena);
    const auto normed = take_tokens<Dim>(c, x.rows());
    const auto dnormed = take_tokens<Dim>(c, x.rows());
    Norm::again(c, w.weights.norm, {x, saved.moments}, normed);
    Head::backward(c, {w.weights.head, w.gradient.head}, {normed, saved.head}, dprediction,
                   dnormed);
    Norm::backward(c, {w.weights.norm, w.gradient.norm}, {x, saved.moments}, dnormed, {dx});
  }
};

/// The parameters of a decoder that passes through the encoder's own blocks: a learned token [Dim]
/// for what begins without content, and the head of a NormedHead.
template <class Output> struct TokenAndHead {
  template <class C> struct Parameters {
    typename C::template VectorView<Output::Dim> token;
    typename Output::template HeadParameters<C> head;
    constexpr explicit Parameters(C& at, const char* name)
        : token(at.template token<Output::Dim>({name, {Init::normal, 0.02}})),
          head(at.in("decoder_pred.")) {}
  };
};

}  // namespace arvit
