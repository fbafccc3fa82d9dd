// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu/reduce.hpp"
#include "arvit/device/ops/layer_norm.hpp"

/// Layer norm (Ba, Kiros and Hinton 2016, Eq. 4) of packed tokens: statistics, both directions.
/// Sums in fp32, in vector order.
namespace arvit::cpu {

template <class T> struct LayerNormArgs {
  Matrix<const T> x;
  const float *gamma, *beta;
  float epsilon;
  Matrix<T> y;
  Matrix<float> moments;  // assigned when `measure`, else read
  bool measure;
};

template <class T> struct LayerNormBackwardArgs {
  Matrix<const T> dy, x;
  const float* gamma;
  Matrix<const float> moments;
  Matrix<T> dx;
  Write write;
  float* partial;  // [blocks, 2, columns]: dgamma and dbeta of each block of rows
};

namespace detail {
struct LayerNormTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const LayerNormArgs<T>* p, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t width = p->x.columns(),
                       end = std::min((task + 1) * reduction_rows, p->x.rows());
    const float per_channel = 1.f / static_cast<float>(width);
    for (std::int64_t r = task * reduction_rows; r < end; ++r) {
      const T* const x = p->x[r];
      T* const y = p->y[r];
      if (p->measure) {
        V sum = {};
        each_vector<V>(width, [&](std::int64_t i, std::int64_t count)
                                  ARVIT_INLINE_LAMBDA { sum = sum + V::load(x + i, count); });
        const float mean = sum.sum() * per_channel;
        V squares = {};
        std::int64_t i = 0;
        for (; i + V::width <= width; i += V::width) {
          const V centred = V::load(x + i) - V::splat(mean);
          squares = fma(centred, centred, squares);
        }
        float variance = squares.sum();
        for (; i < width; ++i)
          variance += (static_cast<float>(x[i]) - mean) * (static_cast<float>(x[i]) - mean);
        p->moments[r][0] = mean;
        p->moments[r][1] = 1.f / std::sqrt(variance * per_channel + p->epsilon);
      }
      const V mean = V::splat(p->moments[r][0]), rstd = V::splat(p->moments[r][1]);
      each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const V xhat = (V::load(x + i, count) - mean) * rstd;
        fma(V::load(p->gamma + i, count), xhat, V::load(p->beta + i, count)).store(y + i, count);
      });
    }
  }
};

struct LayerNormBackwardTask {
  template <class Isa, class T>
  static ARVIT_INLINE void run(const LayerNormBackwardArgs<T>* p, std::int64_t task, float*) {
    using V = Floats<Isa::width>;
    const std::int64_t width = p->x.columns(),
                       end = std::min((task + 1) * reduction_rows, p->x.rows());
    const float per_channel = 1.f / static_cast<float>(width);
    float *const dgamma = p->partial + task * 2 * width, *const dbeta = dgamma + width;
    for (std::int64_t i = 0; i < 2 * width; ++i) dgamma[i] = 0;
    for (std::int64_t r = task * reduction_rows; r < end; ++r) {
      const T *const dy = p->dy[r], *const x = p->x[r];
      T* const dx = p->dx[r];
      const V mean = V::splat(p->moments[r][0]), rstd = V::splat(p->moments[r][1]);
      V sum_g = {}, sum_g_xhat = {};
      each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        // Beyond the row's end dy and gamma load as zero, so a partial vector adds nothing.
        const V slope = V::load(dy + i, count), xhat = (V::load(x + i, count) - mean) * rstd,
                g = V::load(p->gamma + i, count) * slope;
        sum_g = sum_g + g;
        sum_g_xhat = fma(g, xhat, sum_g_xhat);
        fma(slope, xhat, V::load(dgamma + i, count)).store(dgamma + i, count);
        (V::load(dbeta + i, count) + slope).store(dbeta + i, count);
      });
      const V mean_g = V::splat(sum_g.sum() * per_channel),
              mean_g_xhat = V::splat(sum_g_xhat.sum() * per_channel);
      each_vector<V>(width, [&](std::int64_t i, std::int64_t count) ARVIT_INLINE_LAMBDA {
        const V xhat = (V::load(x + i, count) - mean) * rstd,
                g = V::load(p->gamma + i, count) * V::load(dy + i, count);
        const V value = rstd * (g - mean_g - xhat * mean_g_xhat);
        (p->write == Write::add ? V::load(dx + i, count) + value : value).store(dx + i, count);
      });
    }
  }
};
}  // namespace detail

template <class T> void layer_norm(Context& context, const LayerNormArgs<T>& args) {
  context.each<detail::LayerNormTask>(blocks_of(args.x.rows(), reduction_rows), &args);
}

template <class T>
void layer_norm_backward(Context& context, LayerNormBackwardArgs<T> args, float* dgamma,
                         float* dbeta) {
  const std::int64_t width = args.x.columns(), blocks = blocks_of(args.x.rows(), reduction_rows);
  if (blocks == 0) return;
  args.partial = context.reserve_shared(blocks * 2 * width);
  context.each<detail::LayerNormBackwardTask>(blocks,
                                              static_cast<const LayerNormBackwardArgs<T>*>(&args));
  add_partials(context, args.partial, blocks, 2 * width, width, dgamma);
  add_partials(context, args.partial + width, blocks, 2 * width, width, dbeta);
}

}  // namespace arvit::cpu
