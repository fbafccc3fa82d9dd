// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>

#include "arvit/device/ops/operation.hpp"

namespace arvit {

/// Parameters begin..end of the flat buffer; factors on the learning rate and on the weight decay.
struct ParameterRun {
  std::int64_t begin, end;
  float rate = 1, decay = 1;
  int dimensions = 1;  ///< of the tensor, where the run is one
};

/// What makes a type an optimiser (train/optimiser/): its numbers, and
///   static constexpr std::string_view name     in checkpoints, and in what is said of them
///   static constexpr std::array<std::string_view, N> states   buffers as large as the parameters,
///                                              zero at the start, under these names in checkpoints
///   static constexpr bool needs_norms = true   if it reads part.norm(): runs are single tensors,
///                                              and its weight_decay is in the second
///   template <class Part> void apply(const Part& part) const   the rule, for the entries of a part
template <class O>
concept Optimiser = requires {
  { O::name } -> std::convertible_to<std::string_view>;
  { O::states.size() } -> std::convertible_to<std::size_t>;
};
template <class O> constexpr bool needs_norms() {
  if constexpr (requires { O::needs_norms; })
    return O::needs_norms;
  else
    return false;
}

namespace ops {
namespace detail {
template <class Space>
void check_runs(std::string_view name, Span<const ParameterRun, Space> runs, std::int64_t size) {
  if constexpr (std::same_as<Space, HostSpace>)
    for (const ParameterRun& run : runs)
      if (run.begin < 0 || run.begin > run.end || run.end > size)
        fail<ShapeError>(name, ": parameters ", run.begin, "..", run.end, " lie outside 0..", size,
                         ".");
}
}  // namespace detail

/// norms[2 i] = |master|, norms[2 i + 1] = |gradient_scale * gradient + weight_decay * master| over
/// run i, with the run's factor on the weight decay.
template <class P, class Space> struct RunNormsOn {
  static constexpr std::string_view name = "run_norms";
  Span<const ParameterRun, Space> runs;
  Span<const typename P::Gradient, Space> gradient;
  double gradient_scale = 1;
  Span<const typename P::Statistic, Space> master;
  double weight_decay = 0;
  Span<double, Space> norms;
  void check() const {
    detail::columns_equal(name, gradient.size(), master.size());
    detail::columns_equal(name, norms.size(), 2 * runs.size());
    detail::check_runs(name, runs, master.size());
  }
  Cost cost() const {
    return {name, 1, master.size(), 0, 0, detail::bytes(master) + detail::bytes(gradient)};
  }
};

/// One pass of an optimiser over flat buffers. `average` (an exponential moving average, with
/// `average_decay`) and `weights` (the copy that products read) are brought up to date unless
/// empty; `norms` (RunNorms) are given to a rule that needs them.
///
/// The rule sees a part of one run, some entries at once:
///   Part::Entry            a number for each of some entries: + - * /, fma, exp, sqrt, abs, sign;
///                          Entry() is 0, Part::all(number) the same number for each
///   part.run()             its ParameterRun
///   part.norm(0), (1)      of RunNorms
///   part.each(visit)       visit(e) for all entries; e.gradient(), times gradient_scale,
///                          e.parameter() and e.state(i) give them, e.parameter(value) and
///                          e.state(i, value) take them
template <class Rule, class P, class Space> struct UpdateOn {
  static constexpr std::string_view name = Rule::name;
  Rule rule;
  Span<const ParameterRun, Space> runs;
  Span<const typename P::Gradient, Space> gradient;
  double gradient_scale = 1;
  Span<typename P::Statistic, Space> master;
  std::array<Span<typename P::Statistic, Space>, Rule::states.size()> states;
  Span<typename P::Statistic, Space> average = {};
  double average_decay = 0;
  Span<typename P::Weight, Space> weights = {};
  Span<const double, Space> norms = {};
  void check() const {
    detail::columns_equal(name, gradient.size(), master.size(),
                          average.empty() ? master.size() : average.size(),
                          weights.empty() ? master.size() : weights.size());
    for (const auto& state : states) detail::columns_equal(name, gradient.size(), state.size());
    detail::columns_equal(name, norms.size(), needs_norms<Rule>() ? 2 * runs.size() : 0);
    detail::check_runs(name, runs, master.size());
  }
  Cost cost() const {
    const double passes = 3 + 2 * static_cast<double>(states.size());
    return {name,
            1,
            master.size(),
            0,
            0,
            passes * detail::bytes(master) + 2 * detail::bytes(average) + detail::bytes(weights)};
  }
};

template <class D> using RunNorms = RunNormsOn<typename D::Precision, typename D::Space>;
template <class Rule, class D>
using Update = UpdateOn<Rule, typename D::Precision, typename D::Space>;

}  // namespace ops
}  // namespace arvit
