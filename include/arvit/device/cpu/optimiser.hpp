// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/cpu/math.hpp"
#include "arvit/device/ops/adamw.hpp"

/// The optimiser's passes over flat buffers.
namespace arvit::cpu {

template <class W> struct AdamWArgs {
  AdamW options;
  const float* gradient;
  float gradient_scale;
  float *master, *moment1, *moment2, *average;  // average: null for none
  double average_decay;
  W* weights;  // null for none
};

namespace detail {
struct AdamWTask {
  template <class Isa, class W>
  static ARVIT_INLINE void run(const AdamWArgs<W>* p, const ParameterRun* run, std::int64_t begin,
                               std::int64_t end) {
    using V = Floats<Isa::width>;
    const AdamW& o = p->options;
    // The factors are formed in double once; only the loop is fp32.
    const double rate = o.learning_rate * run->rate, step = static_cast<double>(o.step);
    const V scale = V::splat(p->gradient_scale), new1 = V::splat(static_cast<float>(1 - o.beta1)),
            new2 = V::splat(static_cast<float>(1 - o.beta2));
    const V keep = V::splat(static_cast<float>(1 - rate * o.weight_decay * run->decay));
    const V move = V::splat(static_cast<float>(-rate / (1 - std::pow(o.beta1, step))));
    const V second = V::splat(static_cast<float>(1 / (1 - std::pow(o.beta2, step)))),
            epsilon = V::splat(static_cast<float>(o.epsilon));
    const V old_average = V::splat(static_cast<float>(p->average_decay)),
            new_average = V::splat(static_cast<float>(1 - p->average_decay));
    each_vector<V>(end - begin, [&](std::int64_t offset, std::int64_t count) ARVIT_INLINE_LAMBDA {
      const std::int64_t i = begin + offset;
      const V g = V::load(p->gradient + i, count) * scale;
      V m = V::load(p->moment1 + i, count), v = V::load(p->moment2 + i, count);
      m = fma(new1, g - m, m);
      v = fma(new2, fma(g, g, V{} - v), v);
      const V master = fma(move, m / (sqrt(v * second) + epsilon),
                           keep * V::load(p->master + i, count));
      m.store(p->moment1 + i, count);
      v.store(p->moment2 + i, count);
      master.store(p->master + i, count);
      if (p->average != nullptr)
        fma(old_average, V::load(p->average + i, count), new_average * master)
            .store(p->average + i, count);
      if (p->weights != nullptr) master.store(p->weights + i, count);
    });
  }
};

struct SquaresTask {
  template <class Isa>
  static ARVIT_INLINE void run(const float* values, std::int64_t size, double* partial,
                               std::int64_t task, float*) {
    // Products of two floats are exact in double, and lanes do not depend on the instruction set:
    // neither do the bits.
    typedef double Doubles __attribute__((vector_size(64)));
    typedef float Eight __attribute__((vector_size(32)));
    const std::int64_t begin = task * flat_block, end = std::min(begin + flat_block, size);
    Doubles sums[2] = {};
    std::int64_t i = begin;
    for (; i + 16 <= end; i += 16)
      for (int part = 0; part < 2; ++part) {
        Eight eight;
        __builtin_memcpy(&eight, values + i + 8 * part, sizeof eight);
        const Doubles wide = __builtin_convertvector(eight, Doubles);
        sums[part] += wide * wide;
      }
    double total = 0;
    for (; i < end; ++i) total += static_cast<double>(values[i]) * values[i];
    for (int lane = 0; lane < 8; ++lane) total += sums[0][lane] + sums[1][lane];
    partial[task] = total;
  }
};
}  // namespace detail

/// One pass over every run, in blocks that depend on the runs only.
template <class P> void adamw(Context& context, const ops::AdamWStepOn<P, HostSpace>& op) {
  const AdamWArgs<typename P::Weight> args{op.options,
                                           op.gradient.data(),
                                           static_cast<float>(op.gradient_scale),
                                           op.master.data(),
                                           op.moment1.data(),
                                           op.moment2.data(),
                                           op.average.empty() ? nullptr : op.average.data(),
                                           op.average_decay,
                                           op.weights.empty() ? nullptr : op.weights.data()};
  const Span<const ParameterRun>& runs = op.runs;
  std::int64_t tasks = 0;
  for (const ParameterRun& run : runs) tasks += blocks_of(run.end - run.begin, flat_block);
  context.pool.run(tasks, [&](std::int64_t task, int) {
    const ParameterRun* run = runs.begin();
    for (; task >= blocks_of(run->end - run->begin, flat_block); ++run)
      task -= blocks_of(run->end - run->begin, flat_block);
    const std::int64_t begin = run->begin + task * flat_block;
    dispatch<detail::AdamWTask>(context.isa, &args, run, begin,
                                std::min(begin + flat_block, run->end));
  });
}

inline void sum_of_squares(Context& context, Span<const float> values, double& sum) {
  const std::int64_t blocks = blocks_of(values.size(), flat_block);
  double* const partial = reinterpret_cast<double*>(context.reserve_shared(2 * blocks));
  context.each<detail::SquaresTask>(blocks, values.data(), values.size(), partial);
  for (std::int64_t block = 0; block < blocks; ++block) sum += partial[block];
}

}  // namespace arvit::cpu
