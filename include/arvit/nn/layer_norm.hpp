// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ratio>

#include "arvit/core/layout.hpp"
#include "arvit/nn/context.hpp"

namespace arvit {

/// What norms add to a variance, as a std::ratio, unless they say otherwise.
using DefaultEpsilon = std::ratio<1, 1000000>;

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, row by row (Ba, Kiros and Hinton 2016,
/// Eq. 4). What backward needs is `moments` [rows, 2]; y itself is recomputed by `again` where a
/// product's gradient reads it.
///
/// Gradients  dx is assigned or added to; dgamma and dbeta are added to.
template <int Dim, class Epsilon = DefaultEpsilon> struct LayerNorm {
  static_assert(Dim > 0, "LayerNorm<Dim>: Dim counts channels; it must be positive.");
  static constexpr double epsilon = static_cast<double>(Epsilon::num) /
                                    static_cast<double>(Epsilon::den);
  static constexpr int dim = Dim;

  template <class C> struct Parameters {
    typename C::template VectorView<Dim> gamma, beta;
    constexpr explicit Parameters(C& at)
        : gamma(at.template vector<Dim>({"weight", {Init::ones}})),
          beta(at.template vector<Dim>({"bias"})) {}
  };
  template <class D> using Moments = Rows<Statistic<D>, 2, SpaceOf<D>>;
  template <class D> using ConstMoments = Rows<const Statistic<D>, 2, SpaceOf<D>>;
  /// What was normalised.
  template <class D> struct Seen {
    ConstTokens<D, Dim> x;
    ConstMoments<D> moments;
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                      Tokens<D, Dim> y, Moments<D> moments) {
    c.run(ops::LayerNorm<D>{
        .x = x, .gamma = p.gamma, .beta = p.beta, .epsilon = epsilon, .y = y, .moments = moments});
  }
  template <Device D>
  static void again(const Context<D>& c, const Parameters<Reading<D>>& p, const Seen<D>& seen,
                    Tokens<D, Dim> y) {
    c.run(ops::LayerNormAgain<D>{
        .x = seen.x, .gamma = p.gamma, .beta = p.beta, .moments = seen.moments, .y = y});
  }
  /// With xhat = (x - mean) * rstd and g = gamma * dy:
  ///   dx = rstd * (g - mean(g) - xhat * mean(g * xhat))   dgamma += dy * xhat   dbeta += dy
  template <Device D>
  static void backward(const Context<D>& c, const Learned<LayerNorm, D>& w, const Seen<D>& seen,
                       ConstTokens<D, Dim> dy, Into<D, Dim> dx) {
    c.run(ops::LayerNormBackward<D>{.dy = dy,
                                    .x = seen.x,
                                    .gamma = w.weights.gamma,
                                    .moments = seen.moments,
                                    .dx = dx.tokens,
                                    .write = dx.write,
                                    .dgamma = w.gradient.gamma,
                                    .dbeta = w.gradient.beta});
  }
};

}  // namespace arvit
