// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "arvit/core/buffer.hpp"
#include "arvit/core/cursor.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/initialise.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/train/optimiser/adamw.hpp"

namespace arvit {

/// Bytes that a step holds, by kind.
struct MemoryPlan {
  std::int64_t masters = 0, weights = 0, gradients = 0;
  std::int64_t states = 0;  ///< of the optimiser
  std::int64_t average = 0, activations = 0;
  std::int64_t images = 0;  ///< with what comes with them
  std::int64_t total() const {
    return masters + weights + gradients + states + average + activations + images;
  }
};

/// What becomes of an exponential moving average of the parameters: none is kept; one is kept; or
/// passes read it too.
enum class AverageUse : char { none, kept, read };

/// Parameters that an optimiser changes, with all that goes with them: masters, the weights that
/// products read where those have another type, gradients, the optimiser's states, an average.
/// Knows the list of tensors, and nothing else of the model.
template <class D, Optimiser O = AdamW> class OptimisedParameters {
 public:
  using S = Statistic<D>;
  static constexpr bool separate_weights = !std::is_same_v<Weight<D>, S>;

  /// `tensors` divide `count` parameters.
  OptimisedParameters(D& device, std::span<const PlacedTensor> tensors, std::int64_t count,
                      AverageUse use)
      : device_(device),
        tensors_(tensors.begin(), tensors.end()),
        masters_(device, count),
        gradients_(device, masters_.size()),
        average_(device, use == AverageUse::none ? 0 : masters_.size()),
        weights_(device, separate_weights ? masters_.size() : 0),
        average_weights_(device, separate_weights && use == AverageUse::read ? masters_.size() : 0),
        sum_(device, 1) {
    for (Buffer<D, S>& state : states_) state = Buffer<D, S>(device, masters_.size());
    for (const auto& [name, tensor, offset] : tensors_) {
      const float decay = tensor.decay ? 1.0f : 0.0f;
      if (!needs_norms<O>() && !run_list_.empty() && run_list_.back().decay == decay)
        run_list_.back().end = offset + tensor.size();
      else
        run_list_.push_back({offset, offset + tensor.size(), 1.0f, decay, tensor.dimensions()});
    }
    runs_ = Buffer<D, ParameterRun>(device, static_cast<std::int64_t>(run_list_.size()));
    norms_ = Buffer<D, double>(device, needs_norms<O>() ? 2 * runs_.size() : 0);
    device_.upload(run_list_.data(), runs_.span());
  }

  /// What `count` parameters take, without reserving anything.
  static MemoryPlan plan(std::int64_t count, AverageUse use) {
    const std::int64_t wide = sizeof(S);
    MemoryPlan plan;
    plan.masters = count * wide;
    plan.gradients = count * static_cast<std::int64_t>(sizeof(Gradient<D>));
    plan.states = static_cast<std::int64_t>(O::states.size()) * count * wide;
    plan.average = use == AverageUse::none ? 0 : count * wide;
    if (separate_weights)
      plan.weights = count * static_cast<std::int64_t>(sizeof(Weight<D>)) *
                     (use == AverageUse::read ? 2 : 1);
    return plan;
  }

  /// Draws the parameters, tensor by tensor: no second copy of the model is held.
  void initialise(std::uint64_t seed) {
    std::vector<S> values;
    std::uint32_t index = 0;
    for (const auto& [name, tensor, offset] : tensors_) {
      values.resize(static_cast<std::size_t>(tensor.size()));
      arvit::initialise(tensor, index++, seed, values.data());
      device_.upload(values.data(), masters_.span().part(offset, offset + tensor.size()));
      if (!average_.empty())
        device_.upload(values.data(), average_.span().part(offset, offset + tensor.size()));
    }
    refresh();
  }
  /// After masters or average were written directly (a resumed checkpoint): brings the copies that
  /// products read up to date.
  void refresh() {
    if (!weights_.empty())
      device_.run(ops::Convert<D>{.masters = masters_.span(), .weights = weights_.span()});
    refresh_average();
  }

  std::span<const PlacedTensor> tensors() const { return tensors_; }
  Buffer<D, S>& masters() { return masters_; }
  Buffer<D, Gradient<D>>& gradients() { return gradients_; }
  /// The buffer of O::states[i].
  Buffer<D, S>& state(std::size_t i) { return states_[i]; }
  Buffer<D, S>& average() { return average_; }
  D& device() { return device_; }
  /// One tensor, by its name, and its gradient; OptionError where the model has none of that name.
  /// Who writes parameters calls refresh().
  Span<S, SpaceOf<D>> parameter(std::string_view name) const {
    const PlacedTensor& tensor = tensor_named(name);
    return masters_.span().part(tensor.offset, tensor.offset + tensor.tensor.size());
  }
  Span<Gradient<D>, SpaceOf<D>> gradient(std::string_view name) const {
    const PlacedTensor& tensor = tensor_named(name);
    return gradients_.span().part(tensor.offset, tensor.offset + tensor.tensor.size());
  }

 protected:
  void clear_gradients() {
    device_.run(ops::Fill<D, Gradient<D>>{.y = detail::as_row(gradients_.span())});
  }
  /// L2 norm of all gradients. Not finite, or `loss` is not: NumericError that names the first
  /// tensor with such a gradient.
  double gradient_norm_of(double loss) {
    const double squares = sum_of_squares(0, gradients_.size());
    if (std::isfinite(squares) && std::isfinite(loss)) return std::sqrt(squares);
    std::string first;
    for (const auto& [name, tensor, offset] : tensors_)
      if (first.empty() && !std::isfinite(sum_of_squares(offset, offset + tensor.size())))
        first = name;
    fail<NumericError>(first.empty() ? std::string("the loss") : "the gradient of " + first,
                       " is not finite (loss ", loss,
                       "); the parameters are those of the last good step: lower the learning rate "
                       "or look for bad images.");
  }
  /// Applies the optimiser, with these numbers, to the gradients times `factor`; `average_decay` is
  /// used when an average is kept.
  void apply(const O& rule, double factor, double average_decay) {
    if constexpr (needs_norms<O>())
      device_.run(ops::RunNorms<D>{.runs = runs_.span(),
                                   .gradient = gradients_.span(),
                                   .gradient_scale = factor,
                                   .master = masters_.span(),
                                   .weight_decay = rule.weight_decay,
                                   .norms = norms_.span()});
    std::array<Span<S, SpaceOf<D>>, O::states.size()> states;
    for (std::size_t i = 0; i < states.size(); ++i) states[i] = states_[i].span();
    device_.run(ops::Update<O, D>{.rule = rule,
                                  .runs = runs_.span(),
                                  .gradient = gradients_.span(),
                                  .gradient_scale = factor,
                                  .master = masters_.span(),
                                  .states = states,
                                  .average = average_.span(),
                                  .average_decay = average_decay,
                                  .weights = weights_.span(),
                                  .norms = norms_.span()});
    refresh_average();
  }
  Reading<D> reading_cursor() const { return cursor_of(masters_, weights_); }
  Reading<D> average_cursor() const { return cursor_of(average_, average_weights_); }

 private:
  static Reading<D> cursor_of(const Buffer<D, S>& masters, const Buffer<D, Weight<D>>& weights) {
    if constexpr (separate_weights)
      return Reading<D>(weights.data(), masters.data());
    else
      return Reading<D>(masters.data(), masters.data());
  }
  void refresh_average() {
    if (!average_weights_.empty())
      device_.run(ops::Convert<D>{.masters = average_.span(), .weights = average_weights_.span()});
  }
  double sum_of_squares(std::int64_t begin, std::int64_t end) {
    double value = 0;
    device_.run(ops::Fill<D, double>{.y = detail::as_row(sum_.span())});
    device_.run(
        ops::SumOfSquares<D>{.values = gradients_.span().part(begin, end), .sum = sum_.span()});
    device_.download(Span<const double, SpaceOf<D>>(sum_.span()), &value);
    return value;
  }
  const PlacedTensor& tensor_named(std::string_view wanted) const {
    std::vector<std::string> known;
    for (const PlacedTensor& tensor : tensors_) {
      if (tensor.name == wanted) return tensor;
      known.push_back(tensor.name);
    }
    const std::string nearest = nearest_name(wanted, known);
    fail<OptionError>("parameter '", wanted, "': the model has no tensor of that name",
                      nearest.empty() ? "." : text("; did you mean '", nearest, "'?"));
  }

  D& device_;
  std::vector<PlacedTensor> tensors_;
  Buffer<D, S> masters_;
  Buffer<D, Gradient<D>> gradients_;
  std::array<Buffer<D, S>, O::states.size()> states_;
  Buffer<D, S> average_;
  Buffer<D, Weight<D>> weights_, average_weights_;
  Buffer<D, double> sum_, norms_;
  Buffer<D, ParameterRun> runs_;
  std::vector<ParameterRun> run_list_;
};

}  // namespace arvit
