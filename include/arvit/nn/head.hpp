// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tuple>

#include "arvit/core/arena.hpp"
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

template <class Kind, int In, int Out> struct Head;

template <int In, int Out> struct Head<LinearHead, In, Out> : Linear<In, Out> {
  using Layer = Linear<In, Out>;
  template <class D> struct Saved {
    Saved() = default;
    Saved(Arena&, std::int64_t) {}
  };
  template <Device D>
  static void forward(D& device, Arena&, const typename Layer::template Parameters<Reading<D>>& p,
                      ConstTokens<D, In> x, Saved<D>&, Tokens<D, Out> y) {
    Layer::forward(device, p, x, y);
  }
  template <Device D>
  static void backward(D& device, Arena&, const typename Layer::template Parameters<Reading<D>>& p,
                       ConstTokens<D, In> x, const Saved<D>&, ConstTokens<D, Out> dy,
                       Tokens<D, In> dx,
                       const typename Layer::template Parameters<Adding<D>>& gradient) {
    Layer::backward(device, p, x, dy, dx, gradient);
  }
};

template <int In, int Out> struct Head<MlpHead, In, Out> : Mlp<In, 4 * In, Out> {
  using Layer = Mlp<In, 4 * In, Out>;
  template <class D> struct Saved {
    Tokens<D, 4 * In> hidden;
    Saved() = default;
    Saved(Arena& arena, std::int64_t rows)
        : hidden(arena.rows<Activation<D>, 4 * In, SpaceOf<D>>(rows)) {}
  };
  template <Device D>
  static void forward(D& device, Arena& scratch,
                      const typename Layer::template Parameters<Reading<D>>& p,
                      ConstTokens<D, In> x, Saved<D>& saved, Tokens<D, Out> y) {
    Layer::template forward<D>(device, scratch, p, x, saved.hidden, y);
  }
  template <Device D>
  static void backward(D& device, Arena& scratch,
                       const typename Layer::template Parameters<Reading<D>>& p,
                       ConstTokens<D, In> x, const Saved<D>& saved, ConstTokens<D, Out> dy,
                       Tokens<D, In> dx,
                       const typename Layer::template Parameters<Adding<D>>& gradient) {
    Layer::template backward<D>(device, scratch, p, x, saved.hidden, dy, dx, gradient);
  }
};

/// prediction = head(norm(x)): how every decoder ends. Keeps the moments and what the head keeps;
/// norm(x) is recomputed.
template <class HeadKind, int Dim, int Width> struct NormedHead {
  using Norm = LayerNorm<Dim>;
  using Head = arvit::Head<HeadKind, Dim, Width>;
  template <class C> using NormParameters = typename Norm::template Parameters<C>;
  template <class C> using HeadParameters = typename Head::Layer::template Parameters<C>;

  template <class D> struct Saved {
    typename Norm::template Moments<D> moments;
    typename Head::template Saved<D> head;
    Tokens<D, Width> prediction;
    Saved() = default;
    Saved(Arena& arena, std::int64_t rows)
        : moments(arena.rows<Statistic<D>, 2, SpaceOf<D>>(rows)),
          head(arena, rows),
          prediction(arena.rows<Activation<D>, Width, SpaceOf<D>>(rows)) {}
  };

  template <Device D>
  static void forward(D& device, Arena& scratch, const NormParameters<Reading<D>>& norm,
                      const HeadParameters<Reading<D>>& head, ConstTokens<D, Dim> x,
                      Saved<D>& saved) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    Norm::forward(device, norm, x, normed, saved.moments);
    Head::template forward<D>(device, scratch, head, normed, saved.head, saved.prediction);
  }
  /// dx is assigned.
  template <Device D>
  static void backward(D& device, Arena& scratch, const NormParameters<Reading<D>>& norm,
                       const HeadParameters<Reading<D>>& head, ConstTokens<D, Dim> x,
                       const Saved<D>& saved, ConstTokens<D, Width> dprediction, Tokens<D, Dim> dx,
                       const NormParameters<Adding<D>>& dnorm,
                       const HeadParameters<Adding<D>>& dhead) {
    const ArenaScope scope(scratch);
    const auto normed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    const auto dnormed = scratch.rows<Activation<D>, Dim, SpaceOf<D>>(x.rows());
    Norm::again(device, norm, x, saved.moments, normed);
    Head::template backward<D>(device, scratch, head, normed, saved.head, dprediction, dnormed,
                               dhead);
    Norm::backward(device, norm, x, saved.moments, dnormed, dx, Write::assign, dnorm);
  }
};

/// The parameters of a decoder that passes through the encoder's own blocks: a learned token [Dim]
/// for what begins without content, and the head of a NormedHead.
template <class Output, int Dim> struct TokenAndHead {
  static constexpr std::int64_t parameter_count = Dim + Output::Head::parameter_count;
  static constexpr auto groups(const char* token) {
    return std::tuple(Group{"", Tensors<1>{Tensor{token, {1, 1, Dim}, {Init::normal, 0.02}, true}}},
                      Group{"decoder_pred.", Output::Head::tensors()});
  }
  template <class C> struct Parameters {
    typename C::template VectorView<Dim> token;
    typename Output::template HeadParameters<C> head;
    constexpr explicit Parameters(C& at) : token(at.template vector<Dim>()), head(at) {}
  };
};

}  // namespace arvit
