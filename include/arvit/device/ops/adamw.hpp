// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>

#include "arvit/device/ops/operation.hpp"

namespace arvit {

/// One step of AdamW (Loshchilov and Hutter 2019). `step` counts from 1.
struct AdamW {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0.05;
  std::int64_t step = 1;
};

/// Parameters begin..end of the flat buffer; factors on the learning rate and on the weight decay.
struct ParameterRun {
  std::int64_t begin, end;
  float rate = 1, decay = 1;
};

namespace ops {

/// One pass over flat buffers. With g = gradient_scale * gradient, t = options.step:
///   m1 += (1 - beta1) (g - m1)      m2 += (1 - beta2) (g^2 - m2)
///   master -= rate * weight_decay * decay * master
///   master -= rate * (m1 / (1 - beta1^t)) / (sqrt(m2 / (1 - beta2^t)) + epsilon)
/// average (an exponential moving average, with `average_decay`) and weights (the copy that
/// products read) are brought up to date unless empty.
template <class P, class Space> struct AdamWStepOn {
  static constexpr std::string_view name = "adamw";
  AdamW options;
  Span<const ParameterRun, Space> runs;
  Span<const typename P::Gradient, Space> gradient;
  double gradient_scale = 1;
  Span<typename P::Statistic, Space> master, moment1, moment2, average = {};
  double average_decay = 0;
  Span<typename P::Weight, Space> weights = {};
  void check() const {
    detail::columns_equal(name, gradient.size(), master.size(), moment1.size(), moment2.size(),
                          average.empty() ? master.size() : average.size(),
                          weights.empty() ? master.size() : weights.size());
    if constexpr (std::same_as<Space, HostSpace>)
      for (const ParameterRun& run : runs)
        if (run.begin < 0 || run.begin > run.end || run.end > master.size())
          fail<ShapeError>("adamw: parameters ", run.begin, "..", run.end, " lie outside 0..",
                           master.size(), ".");
  }
  Cost cost() const {
    return {"adamw",
            1,
            master.size(),
            0,
            0,
            7 * detail::bytes(master) + 2 * detail::bytes(average) + detail::bytes(weights)};
  }
};

template <class D> using AdamWStep = AdamWStepOn<typename D::Precision, typename D::Space>;

}  // namespace ops
}  // namespace arvit
