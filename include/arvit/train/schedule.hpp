// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "arvit/core/error.hpp"

namespace arvit {

/// The learning rate of a batch: base_lr is that of 256 images (Goyal et al. 2017, linear rule).
constexpr double scaled_learning_rate(double base_lr, double batch) {
  return base_lr * batch / 256;
}

/// Linear warm-up, then half a cosine. Per step, with the fractional epoch e = step / steps per
/// epoch:
///   e < warmup:  peak * e / warmup
///   else:        minimum + (peak - minimum) * (1 + cos(pi * (e - warmup) / (epochs - warmup))) / 2
/// So the first step of a run with warm-up has rate 0, as in the released code of MAE and SemAIM.
struct Schedule {
  double peak = 1e-3, minimum = 0;  ///< learning rates
  double warmup = 0, epochs = 1;    ///< in epochs

  double at(double epoch) const {
    if (epoch < warmup) return peak * epoch / warmup;
    const double progress = epochs > warmup
                                ? std::clamp((epoch - warmup) / (epochs - warmup), 0.0, 1.0)
                                : 1.0;
    return minimum + (peak - minimum) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
  }
};

/// A value that goes from `begin` to `end` linearly over the first `epochs` epochs, and stays (the
/// decay of SemAIM's average: 0.999 to 0.9999 over 100 epochs).
struct Ramp {
  double begin = 0, end = 0, epochs = 0;
  double at(double epoch) const {
    return epoch < epochs ? begin + (end - begin) * epoch / epochs : end;
  }
};

}  // namespace arvit
