// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "arvit/device/cpu/elementwise.hpp"
#include "arvit/device/cpu/math.hpp"
#include "arvit/device/ops/update.hpp"

namespace arvit {
struct AdamW;  // train/optimiser/adamw.hpp
}

/// The optimiser's passes over flat buffers.
namespace arvit::cpu {

template <class Rule, class W> struct UpdateArgs {
  Rule rule;
  const float* gradient;
  float gradient_scale;
  float* master;
  std::array<float*, Rule::states.size()> states;
  float* average;  // null for none
  double average_decay;
  W* weights;           // null for none
  const double* norms;  // of every run, null for none
};

/// Some entries of a run as a rule sees them (ops/update.hpp): entries are vectors.
template <class V, class Args> class UpdatePart {
 public:
  using Entry = V;
  ARVIT_INLINE UpdatePart(const Args& args, const ParameterRun& run, const double* norms,
                          std::int64_t begin, std::int64_t end)
      : args_(args),
        run_(run),
        norms_(norms),
        begin_(begin),
        end_(end),
        scale_(V::splat(args.gradient_scale)),
        old_average_(all(args.average_decay)),
        new_average_(all(1 - args.average_decay)) {}

  struct Place {
    const UpdatePart& part;
    std::int64_t i, count;
    ARVIT_INLINE V gradient() const {
      return V::load(part.args_.gradient + i, count) * part.scale_;
    }
    ARVIT_INLINE V parameter() const { return V::load(part.args_.master + i, count); }
    ARVIT_INLINE V state(std::size_t s) const { return V::load(part.args_.states[s] + i, count); }
    ARVIT_INLINE void state(std::size_t s, const V& value) const {
      value.store(part.args_.states[s] + i, count);
    }
    ARVIT_INLINE void parameter(const V& value) const {
      const Args& args = part.args_;
      value.store(args.master + i, count);
      if (args.average != nullptr)
        fma(part.old_average_, V::load(args.average + i, count), part.new_average_ * value)
            .store(args.average + i, count);
      if (args.weights != nullptr) value.store(args.weights + i, count);
    }
  };
  template <class Visit> ARVIT_INLINE void each(const Visit& visit) const {
    each_vector<V>(end_ - begin_, [&](std::int64_t offset, std::int64_t count) ARVIT_INLINE_LAMBDA {
      visit(Place{*this, begin_ + offset, count});
    });
  }
  static ARVIT_INLINE V all(double number) { return V::splat(static_cast<float>(number)); }
  ARVIT_INLINE const ParameterRun& run() const { return run_; }
  ARVIT_INLINE double norm(int which) const { return norms_[which]; }

 private:
  const Args& args_;
  const ParameterRun& run_;
  const double* norms_;
  std::int64_t begin_, end_;
  V scale_, old_average_, new_average_;
};

/// A block of one run; blocks depend on the runs only.
struct RunBlock {
  std::int64_t run, begin, end;
};
inline std::int64_t run_blocks(Span<const ParameterRun> runs) {
  std::int64_t blocks = 0;
  for (const ParameterRun& run : runs) blocks += blocks_of(run.end - run.begin, flat_block);
  return blocks;
}
inline RunBlock run_block(Span<const ParameterRun> runs, std::int64_t block) {
  std::int64_t r = 0;
  for (; block >= blocks_of(runs[r].end - runs[r].begin, flat_block); ++r)
    block -= blocks_of(runs[r].end - runs[r].begin, flat_block);
  const std::int64_t begin = runs[r].begin + block * flat_block;
  return {r, begin, std::min(begin + flat_block, runs[r].end)};
}

namespace detail {
struct UpdateTask {
  template <class Isa, class Args>
  static ARVIT_INLINE void run(const Args* args, const ParameterRun* run, const double* norms,
                               std::int64_t begin, std::int64_t end) {
    args->rule.apply(UpdatePart<Floats<Isa::width>, Args>(*args, *run, norms, begin, end));
  }
};

/// Sums of squares of a block: of the parameters, and of gradient and decay together.
struct NormsTask {
  template <class Isa>
  static ARVIT_INLINE void run(const ops::RunNormsOn<Fp32, HostSpace>* op, double* partial,
                               std::int64_t task, float*) {
    typedef double Doubles __attribute__((vector_size(64)));
    typedef float Eight __attribute__((vector_size(32)));
    const RunBlock block = run_block(op->runs, task);
    const double scale = op->gradient_scale;
    const double decay = op->weight_decay * op->runs[block.run].decay;
    Doubles masters = {}, updates = {};
    std::int64_t i = block.begin;
    for (; i + 8 <= block.end; i += 8) {
      Eight master, gradient;
      __builtin_memcpy(&master, op->master.data() + i, sizeof master);
      __builtin_memcpy(&gradient, op->gradient.data() + i, sizeof gradient);
      const Doubles p = __builtin_convertvector(master, Doubles);
      const Doubles u = scale * __builtin_convertvector(gradient, Doubles) + decay * p;
      masters += p * p;
      updates += u * u;
    }
    double of_master = 0, of_update = 0;
    for (; i < block.end; ++i) {
      const double p = op->master[i], u = scale * op->gradient[i] + decay * p;
      of_master += p * p;
      of_update += u * u;
    }
    for (int lane = 0; lane < 8; ++lane) {
      of_master += masters[lane];
      of_update += updates[lane];
    }
    partial[2 * task] = of_master;
    partial[2 * task + 1] = of_update;
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
template <class Rule, class P>
void update(Context& context, const ops::UpdateOn<Rule, P, HostSpace>& op) {
  using Args = UpdateArgs<Rule, typename P::Weight>;
  Args args{op.rule,
            op.gradient.data(),
            static_cast<float>(op.gradient_scale),
            op.master.data(),
            {},
            op.average.empty() ? nullptr : op.average.data(),
            op.average_decay,
            op.weights.empty() ? nullptr : op.weights.data(),
            op.norms.empty() ? nullptr : op.norms.data()};
  for (std::size_t s = 0; s < op.states.size(); ++s) args.states[s] = op.states[s].data();
  context.pool.run(run_blocks(op.runs), [&](std::int64_t task, int) {
    const RunBlock block = run_block(op.runs, task);
    dispatch<detail::UpdateTask>(
        context.isa, static_cast<const Args*>(&args), op.runs.data() + block.run,
        args.norms == nullptr ? nullptr : args.norms + 2 * block.run, block.begin, block.end);
  });
}
#if defined(ARVIT_COMPILED)  // the library's default is compiled with the kernels
extern template void update(Context&, const ops::UpdateOn<AdamW, Fp32, HostSpace>&);
extern template void update(Context&, const ops::UpdateOn<AdamW, Bf16, HostSpace>&);
#endif

inline void run_norms(Context& context, const ops::RunNormsOn<Fp32, HostSpace>& op) {
  const std::int64_t blocks = run_blocks(op.runs);
  double* partial = reinterpret_cast<double*>(context.reserve_shared(4 * blocks));
  context.each<detail::NormsTask>(blocks, &op, partial);
  for (std::int64_t r = 0; r < op.runs.size(); ++r) {
    double of_master = 0, of_update = 0;
    const ParameterRun& run = op.runs[r];
    for (std::int64_t block = 0; block < blocks_of(run.end - run.begin, flat_block); ++block) {
      of_master += *partial++;
      of_update += *partial++;
    }
    op.norms[2 * r] = std::sqrt(of_master);
    op.norms[2 * r + 1] = std::sqrt(of_update);
  }
}

inline void sum_of_squares(Context& context, Span<const float> values, double& sum) {
  const std::int64_t blocks = blocks_of(values.size(), flat_block);
  double* const partial = reinterpret_cast<double*>(context.reserve_shared(2 * blocks));
  context.each<detail::SquaresTask>(blocks, values.data(), values.size(), partial);
  for (std::int64_t block = 0; block < blocks; ++block) sum += partial[block];
}

}  // namespace arvit::cpu
