// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/core/rows.hpp"
#include "arvit/device/cpu/reduce.hpp"

/// Errors of a prediction, summed in double over fixed blocks of rows, and their gradients in the same pass.
namespace arvit::cpu {

template <class T>
struct LossArgs {
  Matrix<const T> prediction;
  Matrix<const float> target;
  double scale;
  Matrix<T> dprediction;
  double* partial;  // one sum for each block of rows
};

/// scale * (prediction - target)^2
struct SquaredError {
  template <class V> static ARVIT_INLINE V error(const V& difference) { return difference * difference; }
  template <class V> static ARVIT_INLINE V slope(const V& difference, float scale) { return V::splat(2 * scale) * difference; }
};
/// scale * |prediction - target|; the slope at 0 is 0
struct AbsoluteError {
  template <class V>
  static ARVIT_INLINE V error(const V& difference) {
    const V zero = {};
    return {difference.raw < zero.raw ? -difference.raw : difference.raw};
  }
  template <class V>
  static ARVIT_INLINE V slope(const V& difference, float scale) {
    const V zero = {}, up = V::splat(scale), down = V::splat(-scale);
    return {difference.raw > zero.raw ? up.raw : difference.raw < zero.raw ? down.raw : zero.raw};
  }
};

namespace detail {
template <class Error>
struct LossTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const LossArgs<T>* p, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const float scale = static_cast<float>(p->scale);
    double total = 0;
    for (std::int64_t r = task * reduction_rows; r < std::min((task + 1) * reduction_rows, p->prediction.rows()); ++r) {
      const T* const prediction = p->prediction[r];
      const float* const target = p->target[r];
      T* const slope = p->dprediction[r];
      V sum = {};
      each_vector<V>(p->prediction.columns(), [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const V difference = V::load(prediction + i, count) - V::load(target + i, count);
        sum = sum + Error::error(difference);
        Error::slope(difference, scale).store(slope + i, count);
      });
      total += sum.sum();
    }
    p->partial[task] = total;
  }
};
}  // namespace detail

/// sum += scale * the error of every entry; dprediction is its gradient.
template <class Error, class T>
void loss(Context& context, LossArgs<T> args, double& sum) {
  const std::int64_t blocks = blocks_of(args.prediction.rows(), reduction_rows);
  args.partial = reinterpret_cast<double*>(context.reserve_shared(2 * blocks));
  context.each<detail::LossTask<Error>>(blocks, static_cast<const LossArgs<T>*>(&args));
  double total = 0;
  for (std::int64_t block = 0; block < blocks; ++block) total += args.partial[block];
  sum += args.scale * total;
}

}  // namespace arvit::cpu
