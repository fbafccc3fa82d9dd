// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ratio>

#include "arvit/core/layout.hpp"
#include "arvit/device/concept.hpp"

namespace arvit {

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, row by row (Ba, Kiros and Hinton 2016,
/// Eq. 4). What backward needs is `moments` [rows, 2]; y itself is recomputed by `again` where a
/// product's gradient reads it.
///
/// Gradients  dx is assigned or added to; dgamma and dbeta are added to.
template <int Dim, class Epsilon = std::ratio<1, 1000000>> struct LayerNorm {
  static_assert(Dim > 0, "LayerNorm<Dim>: Dim counts channels; it must be positive.");
  static constexpr double epsilon = static_cast<double>(Epsilon::num) /
                                    static_cast<double>(Epsilon::den);
  static constexpr std::int64_t parameter_count = 2 * Dim;
  static constexpr Tensors<2> tensors() {
    return {Tensor{"weight", {Dim}, {Init::ones}, false},
            Tensor{"bias", {Dim}, {Init::zeros}, false}};
  }

  template <class C> struct Parameters {
    typename C::template VectorView<Dim> gamma, beta;
    constexpr explicit Parameters(C& at)
        : gamma(at.template vector<Dim>()), beta(at.template vector<Dim>()) {}
  };
  template <class D> using Moments = Rows<Statistic<D>, 2, SpaceOf<D>>;
  template <class D> using ConstMoments = Rows<const Statistic<D>, 2, SpaceOf<D>>;

  template <Device D>
  static void forward(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                      Tokens<D, Dim> y, Moments<D> moments) {
    device.layer_norm(x, p.gamma, p.beta, epsilon, y, moments);
  }
  template <Device D>
  static void again(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                    ConstMoments<D> moments, Tokens<D, Dim> y) {
    device.layer_norm_again(x, p.gamma, p.beta, moments, y);
  }
  template <Device D>
  static void backward(D& device, const Parameters<Reading<D>>& p, ConstTokens<D, Dim> x,
                       ConstMoments<D> moments, ConstTokens<D, Dim> dy, Tokens<D, Dim> dx,
                       Write write, const Parameters<Adding<D>>& gradient) {
    device.layer_norm_backward(dy, x, p.gamma, moments, dx, write, gradient.gamma, gradient.beta);
  }
};

}  // namespace arvit
