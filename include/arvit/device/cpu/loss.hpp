// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/device/cpu/math.hpp"
#include "arvit/device/cpu/reduce.hpp"
#include "arvit/device/ops/loss.hpp"

/// Errors of a prediction, summed in double over fixed blocks of rows, and their gradients in the
/// same pass.
namespace arvit::cpu {

/// One row as an error sees it (ops/loss.hpp): entries are vectors.
template <class V, class T> class LossRow {
 public:
  using Entry = V;
  ARVIT_INLINE LossRow(const T* prediction, const float* target, std::int64_t width, T* gradient)
      : prediction_(prediction), target_(target), width_(width), gradient_(gradient) {}

  struct Place {
    const LossRow& row;
    std::int64_t i, count;
    ARVIT_INLINE V prediction() const { return V::load(row.prediction_ + i, count); }
    ARVIT_INLINE V target() const { return V::load(row.target_ + i, count); }
    ARVIT_INLINE void gradient(const V& value) const { value.store(row.gradient_ + i, count); }
    ARVIT_INLINE V only(const V& value) const {
      if (count >= V::width) return value;
      float part[V::width];
      value.store(part);
      return V::load(part, count);
    }
  };
  template <class Visit> ARVIT_INLINE void each(const Visit& visit) const {
    each_vector<V>(width_, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
      visit(Place{*this, i, count});
    });
  }
  static ARVIT_INLINE V all(double number) { return V::splat(static_cast<float>(number)); }
  static ARVIT_INLINE double total(const V& entry) { return entry.sum(); }
  ARVIT_INLINE std::int64_t width() const { return width_; }
  ARVIT_INLINE double largest() const {
    float top = static_cast<float>(prediction_[0]);
    for (std::int64_t i = 1; i < width_; ++i) {
      const float value = static_cast<float>(prediction_[i]);
      top = top < value ? value : top;
    }
    return top;
  }
  ARVIT_INLINE double prediction(std::int64_t i) const {
    return static_cast<float>(prediction_[i]);
  }
  ARVIT_INLINE double class_target() const { return *target_; }
  ARVIT_INLINE double gradient(std::int64_t i) const { return static_cast<float>(gradient_[i]); }
  ARVIT_INLINE void gradient(std::int64_t i, double value) const {
    gradient_[i] = static_cast<T>(static_cast<float>(value));
  }

 private:
  const T* prediction_;
  const float* target_;
  std::int64_t width_;
  T* gradient_;
};

template <class T> struct LossArgs {
  Matrix<const T> prediction;
  Matrix<const float> target;
  double scale;
  Matrix<T> dprediction;
  double* partial;  // one sum for each block of rows
};

namespace detail {
template <class Error> struct LossTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const LossArgs<T>* p, std::int64_t task, float*) {
    const double scale = static_cast<float>(p->scale);
    double total = 0;
    for (std::int64_t r = task * reduction_rows;
         r < std::min((task + 1) * reduction_rows, p->prediction.rows()); ++r)
      total += Error::of(LossRow<Floats<Isa::width>, T>(p->prediction[r], p->target[r],
                                                        p->prediction.columns(), p->dprediction[r]),
                         scale);
    p->partial[task] = total;
  }
};
}  // namespace detail

template <class Error, class P>
void loss(Context& context, const ops::LossOn<Error, P, HostSpace>& op) {
  const std::int64_t blocks = blocks_of(op.prediction.rows(), reduction_rows);
  double* const partial = reinterpret_cast<double*>(context.reserve_shared(2 * blocks));
  const LossArgs<typename P::Activation> args{op.prediction, op.target, op.scale, op.dprediction,
                                              partial};
  context.each<detail::LossTask<Error>>(blocks, &args);
  double total = 0;
  for (std::int64_t block = 0; block < blocks; ++block) total += partial[block];
  op.sum[0] += op.scale * total;
}

}  // namespace arvit::cpu
