// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/batch.hpp"
#include "arvit/core/buffer.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/initialise.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/train/optimiser/adamw.hpp"

namespace arvit {

/// What a model must offer to be trained: a flat list of parameters and a pass that adds to their
/// gradients.
template <class M>
concept TrainableModel = requires {
  { M::parameter_count } -> std::convertible_to<std::int64_t>;
  { M::streams } -> std::convertible_to<std::size_t>;
  { M::target_width } -> std::convertible_to<int>;
  { M::parameters() } -> std::convertible_to<std::span<const PlacedTensor>>;
  { M::batch_widths } -> std::convertible_to<BatchWidths>;
  typename M::Grid;
};

struct StepOptions {
  int micro_batch = 32;  ///< most images of one forward and backward
  bool average = false;  ///< keep an exponential moving average of the parameters
  double drop_path = 0;  ///< rate of the last encoder layer
  bool recompute =
      false;  ///< keep the inputs of blocks only: less memory, some 20 % more work, the same bits
};

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

/// Ranks of the patches in reading order, [images, patches] (rank 0 joins the condition), instead
/// of an order that is drawn; counters, one an image, for what else is drawn (drop-path; none
/// without).
struct GivenRanks {
  std::span<const int> ranks;
  std::span<const Counter> counters = {};
};

/// Parameters, gradients, the optimiser's states and one step: begin, accumulate for every
/// micro-batch, update. The trainer uses it; so can a loop of one's own.
template <class Model, Device D, Optimiser O = AdamW> class Step {
 public:
  static_assert(sizeof(Model) > 0);  // a wrong model says here what is wrong
  static_assert(TrainableModel<Model>,
                "Step<Model, Device>: Model is a Pretrainer, or has what TrainableModel lists.");
  using Pass = typename Model::template Pass<D>;
  using S = Statistic<D>;
  static constexpr bool separate_weights = !std::is_same_v<Weight<D>, S>;

  Step(D& device, StepOptions options)
      : device_(device),
        options_(options),
        masters_(device, Model::parameter_count),
        gradients_(device, Model::parameter_count),
        average_(device, options.average ? Model::parameter_count : 0),
        weights_(device, separate_weights ? Model::parameter_count : 0),
        average_weights_(device, separate_weights && options.average && orders_from_average()
                                     ? Model::parameter_count
                                     : 0),
        batch_(device, Model::batch_widths, options.micro_batch),
        sum_(device, 1),
        pass_(device, options.micro_batch, activation_bytes(options)) {
    pass_.drop_path(options.drop_path);
    pass_.recompute(options.recompute);
    for (Buffer<D, S>& state : states_) state = Buffer<D, S>(device, Model::parameter_count);
    for (const auto& [name, tensor, offset] : Model::parameters()) {
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

  /// The plan, without reserving anything: the step itself runs on a device that only measures.
  static MemoryPlan plan(const StepOptions& options) {
    const std::int64_t count = Model::parameter_count, wide = sizeof(S);
    MemoryPlan plan;
    plan.masters = count * wide;
    plan.gradients = count * static_cast<std::int64_t>(sizeof(Gradient<D>));
    plan.states = static_cast<std::int64_t>(O::states.size()) * count * wide;
    plan.average = options.average ? count * wide : 0;
    plan.weights = separate_weights ? count * static_cast<std::int64_t>(sizeof(Weight<D>)) *
                                          (options.average && orders_from_average() ? 2 : 1)
                                    : 0;
    plan.activations = activation_bytes(options);
    plan.images = options.micro_batch * BatchWidths(Model::batch_widths).total() * wide;
    return plan;
  }

  /// Draws the parameters, tensor by tensor: no second copy of the model is held.
  void initialise(std::uint64_t seed) {
    std::vector<S> values;
    std::uint32_t index = 0;
    for (const auto& [name, tensor, offset] : Model::parameters()) {
      values.resize(static_cast<std::size_t>(tensor.size()));
      arvit::initialise(tensor, index++, seed, values.data());
      device_.upload(values.data(), masters_.span().part(offset, offset + tensor.size()));
      if (options_.average)
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

  /// Starts a batch: `counters`, or given ranks, of all its images, over all micro-batches; the
  /// loss is divided by all their loss rows.
  void begin(std::span<const Counter> counters) { begin_rows(Model::loss_rows(counters)); }
  void begin(const GivenRanks& given) { begin_rows(Model::loss_rows(given.ranks)); }

  /// Order, forward and backward of one micro-batch of counters.size() images, on the host. The
  /// parts are read that Model::batch_widths names.
  void accumulate(const Batch<const S>& images, std::span<const Counter> counters) {
    const DeviceBatch<D> batch = upload(images, std::ssize(counters));
    pass_.order(orders_from_average() && options_.average ? reading_average() : reading(), batch,
                counters);
    run(batch);
  }
  /// ... in the order of given ranks.
  void accumulate(const Batch<const S>& images, const GivenRanks& order) {
    const DeviceBatch<D> batch = upload(images, std::ssize(order.ranks) / Model::Grid::patches);
    pass_.order_by_ranks(order.ranks, order.counters);
    run(batch);
  }
  /// The loss of the batch so far, and what each stream of queries adds to it.
  double loss() const { return loss_; }
  const std::array<double, Model::streams>& stream_losses() const { return stream_losses_; }

  /// L2 norm of all gradients. Not finite: NumericError that names the first tensor with such a
  /// gradient.
  double gradient_norm() {
    const double squares = sum_of_squares(0, gradients_.size());
    if (std::isfinite(squares) && std::isfinite(loss_)) return std::sqrt(squares);
    std::string first;
    for (const auto& [name, tensor, offset] : Model::parameters())
      if (first.empty() && !std::isfinite(sum_of_squares(offset, offset + tensor.size())))
        first = name;
    fail<NumericError>(first.empty() ? std::string("the loss") : "the gradient of " + first,
                       " is not finite (loss ", loss_,
                       "); the parameters are those of the last good step: lower the learning rate "
                       "or look for bad images.");
  }
  /// Clips to `clip` (0: not at all) and applies the optimiser, with these numbers;
  /// `average_decay` is used when an average is kept. Returns the norm before clipping.
  double update(const O& rule, double clip = 0, double average_decay = 0.999) {
    const double norm = gradient_norm(), factor = clip > 0 && norm > clip ? clip / norm : 1.0;
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
    return norm;
  }

  typename Pass::Parameters reading() const {
    return typename Pass::Parameters(reading_cursor(masters_, weights_));
  }
  typename Pass::Parameters reading_average() const {
    return typename Pass::Parameters(reading_cursor(average_, average_weights_));
  }
  Buffer<D, S>& masters() { return masters_; }
  Buffer<D, Gradient<D>>& gradients() { return gradients_; }
  /// The buffer of O::states[i].
  Buffer<D, S>& state(std::size_t i) { return states_[i]; }
  Buffer<D, S>& average() { return average_; }
  /// One tensor, by its name, and its gradient; OptionError where the model has none of that name.
  /// Who writes parameters calls refresh().
  Span<S, SpaceOf<D>> parameter(std::string_view name) const {
    return part_of(masters_.span(), name);
  }
  Span<Gradient<D>, SpaceOf<D>> gradient(std::string_view name) const {
    return part_of(gradients_.span(), name);
  }
  Pass& pass() { return pass_; }
  D& device() { return device_; }
  const StepOptions& options() const { return options_; }

 private:
  void begin_rows(const std::array<std::int64_t, Model::streams>& rows) {
    device_.run(ops::Fill<D, Gradient<D>>{.y = detail::as_row(gradients_.span())});
    for (std::size_t s = 0; s < Model::streams; ++s)
      scale_[s] = rows[s] > 0 ? 1.0 / (static_cast<double>(rows[s]) * Model::target_width) : 0.0;
    std::int64_t all = 0;
    for (const std::int64_t stream : rows) all += stream;
    if (all == 0)
      fail<ShapeError>(
          "step: no patch of this model's order is predicted, so there is nothing to learn; choose "
          "another order or decoder.");
    loss_ = 0;
    stream_losses_ = {};
  }
  DeviceBatch<D> upload(const Batch<const S>& images, std::int64_t count) {
    const DeviceBatch<D> batch = batch_.upload(images, count);
    if constexpr (BatchWidths(Model::batch_widths).beside_pixels().total() > 0)
      Model::check_contents(images, count);
    return batch;
  }
  /// Forward and backward of the ordered batch.
  void run(const DeviceBatch<D>& batch) {
    const typename Pass::Gradients gradients(Adding<D>(gradients_.data(), gradients_.data()));
    pass_.run(reading(), &gradients, batch, scale_);
    const auto losses = pass_.stream_losses();
    double sum = 0;
    for (std::size_t s = 0; s < losses.size(); ++s) {
      sum += losses[s];
      stream_losses_[s] += losses[s];
    }
    loss_ += sum;
  }
  template <class T>
  static Span<T, SpaceOf<D>> part_of(Span<T, SpaceOf<D>> all, std::string_view wanted) {
    std::vector<std::string> known;
    for (const auto& [name, tensor, offset] : Model::parameters()) {
      if (name == wanted) return all.part(offset, offset + tensor.size());
      known.push_back(name);
    }
    const std::string nearest = nearest_name(wanted, known);
    fail<OptionError>("parameter '", wanted, "': the model has no tensor of that name",
                      nearest.empty() ? "." : text("; did you mean '", nearest, "'?"));
  }
  void refresh_average() {
    if (!average_weights_.empty())
      device_.run(ops::Convert<D>{.masters = average_.span(), .weights = average_weights_.span()});
  }
  static constexpr bool orders_from_average() {
    if constexpr (requires { Model::Order::from_average; })
      return Model::Order::from_average;
    else
      return false;
  }
  static Reading<D> reading_cursor(const Buffer<D, S>& masters,
                                   const Buffer<D, Weight<D>>& weights) {
    if constexpr (separate_weights)
      return Reading<D>(weights.data(), masters.data());
    else
      return Reading<D>(masters.data(), masters.data());
  }
  static std::int64_t activation_bytes(const StepOptions& options) {
    return Pass::activation_bytes(options.micro_batch, true, options.drop_path, options.recompute);
  }
  double sum_of_squares(std::int64_t begin, std::int64_t end) {
    double value = 0;
    device_.run(ops::Fill<D, double>{.y = detail::as_row(sum_.span())});
    device_.run(
        ops::SumOfSquares<D>{.values = gradients_.span().part(begin, end), .sum = sum_.span()});
    device_.download(Span<const double, SpaceOf<D>>(sum_.span()), &value);
    return value;
  }

  D& device_;
  StepOptions options_;
  Buffer<D, S> masters_;
  Buffer<D, Gradient<D>> gradients_;
  std::array<Buffer<D, S>, O::states.size()> states_;
  Buffer<D, S> average_;
  Buffer<D, Weight<D>> weights_, average_weights_;
  DeviceBatchMemory<D, S> batch_;
  Buffer<D, double> sum_, norms_;
  Buffer<D, ParameterRun> runs_;
  std::vector<ParameterRun> run_list_;
  std::array<double, Model::streams> scale_{};
  std::array<double, Model::streams> stream_losses_{};
  double loss_ = 0;
  Pass pass_;
};

}  // namespace arvit
