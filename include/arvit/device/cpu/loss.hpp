// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "arvit/core/rows.hpp"
#include "arvit/device/cpu/math.hpp"
#include "arvit/device/cpu/reduce.hpp"

/// Errors of a prediction, summed in double over fixed blocks of rows, and their gradients in the
/// same pass.
namespace arvit::cpu {

template <class T> struct LossArgs {
  Matrix<const T> prediction;
  Matrix<const float> target;
  double scale;
  Matrix<T> dprediction;
  double* partial;  // one sum for each block of rows
};

/// An error of single entries: error(difference) of prediction and target, and scale * its slope.
struct SquaredError {
  template <class V> static ARVIT_INLINE V error(const V& difference) {
    return difference * difference;
  }
  template <class V> static ARVIT_INLINE V slope(const V& difference, float scale) {
    return V::splat(2 * scale) * difference;
  }
};
/// The slope at 0 is 0.
struct AbsoluteError {
  template <class V> static ARVIT_INLINE V error(const V& difference) {
    const V zero = {};
    return {difference.raw < zero.raw ? -difference.raw : difference.raw};
  }
  template <class V> static ARVIT_INLINE V slope(const V& difference, float scale) {
    const V zero = {}, up = V::splat(scale), down = V::splat(-scale);
    return {difference.raw > zero.raw ? up.raw : difference.raw < zero.raw ? down.raw : zero.raw};
  }
};

/// The error of a row of `width` entries, without scale; `slope` is assigned, with scale.
template <class Error> struct EntryErrors {
  template <class V, class T>
  static ARVIT_INLINE double row(const T* prediction, const float* target, std::int64_t width,
                                 float scale, T* slope) {
    V sum = {};
    each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      const V difference = V::load(prediction + i, count) - V::load(target + i, count);
      sum = sum + Error::error(difference);
      Error::slope(difference, scale).store(slope + i, count);
    });
    return sum.sum();
  }
};
/// 2 - 2 cosine(prediction, target): the squared distance of the unit vectors (D-iGPT, SemAIM's
/// features).
struct CosineDistance {
  template <class V, class T>
  static ARVIT_INLINE double row(const T* prediction, const float* target, std::int64_t width,
                                 float scale, T* slope) {
    V dot = {}, pp = {}, tt = {};
    each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      const V p = V::load(prediction + i, count), t = V::load(target + i, count);
      dot = fma(p, t, dot), pp = fma(p, p, pp), tt = fma(t, t, tt);
    });
    const double squares = pp.sum(),
                 product = std::sqrt(squares) * std::sqrt(static_cast<double>(tt.sum()));
    const double inverse = product == 0 ? 0 : 1 / product,
                 cosine = dot.sum() * inverse;  // a NaN stays one
    const V own = V::splat(product == 0 ? 0.f : static_cast<float>(2 * scale * cosine / squares)),
            other = V::splat(static_cast<float>(-2 * scale * inverse));
    each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      fma(own, V::load(prediction + i, count), other * V::load(target + i, count))
          .store(slope + i, count);
    });
    return 2 - 2 * cosine;
  }
};
/// -log of the softmax at the class that target[0] names; a negative one has no loss, one that does
/// not exist has no number.
struct CrossEntropy {
  template <class V, class T>
  static ARVIT_INLINE double row(const T* prediction, const float* target, std::int64_t width,
                                 float scale, T* slope) {
    const bool none = *target < 0;
    if (none || !(*target < static_cast<float>(width))) {
      each_vector<V>(width, [&](std::int64_t i, std::int64_t count)
                                ARVIT_INLINE_LAMBDA { V{}.store(slope + i, count); });
      return none ? 0 : std::numeric_limits<double>::quiet_NaN();
    }
    const auto code = static_cast<std::int64_t>(*target);
    float top = static_cast<float>(prediction[0]);
    for (std::int64_t i = 1; i < width; ++i)
      top = top < static_cast<float>(prediction[i]) ? static_cast<float>(prediction[i]) : top;
    const V offset = V::splat(-top);
    V sum = {};
    each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      V p = exp(V::load(prediction + i, count) + offset);
      if (count < V::width) {  // what lies beyond the row is no class
        float part[V::width];
        p.store(part);
        p = V::load(part, count);
      }
      sum = sum + p;
    });
    const float total = sum.sum();
    const V factor = V::splat(scale / total);
    each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      (factor * exp(V::load(prediction + i, count) + offset)).store(slope + i, count);
    });
    slope[code] = static_cast<T>(static_cast<float>(slope[code]) - scale);
    return std::log(static_cast<double>(total)) + top -
           static_cast<double>(static_cast<float>(prediction[code]));
  }
};

namespace detail {
template <class Error> struct LossTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const LossArgs<T>* p, std::int64_t task, float*) {
    double total = 0;
    for (std::int64_t r = task * reduction_rows;
         r < std::min((task + 1) * reduction_rows, p->prediction.rows()); ++r)
      total += Error::template row<Floats<Isa::width>>(
          p->prediction[r], p->target[r], p->prediction.columns(), static_cast<float>(p->scale),
          p->dprediction[r]);
    p->partial[task] = total;
  }
};
}  // namespace detail

/// sum += scale * the errors of all rows; dprediction is its gradient. Error: EntryErrors<...>,
/// CosineDistance or CrossEntropy.
template <class Error, class T> void loss(Context& context, LossArgs<T> args, double& sum) {
  const std::int64_t blocks = blocks_of(args.prediction.rows(), reduction_rows);
  args.partial = reinterpret_cast<double*>(context.reserve_shared(2 * blocks));
  context.each<detail::LossTask<Error>>(blocks, static_cast<const LossArgs<T>*>(&args));
  double total = 0;
  for (std::int64_t block = 0; block < blocks; ++block) total += args.partial[block];
  sum += args.scale * total;
}

}  // namespace arvit::cpu
