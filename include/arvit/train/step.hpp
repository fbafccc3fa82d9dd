// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <iterator>
#include <span>

#include "arvit/core/batch.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/layout.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/train/optimised_parameters.hpp"

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

/// Ranks of the patches in reading order, [images, patches] (rank 0 joins the condition), instead
/// of an order that is drawn; counters, one an image, for what else is drawn (drop-path; none
/// without).
struct GivenRanks {
  std::span<const int> ranks;
  std::span<const Counter> counters = {};
};

/// Optimised parameters, and one step: begin, accumulate for every micro-batch, update. The trainer
/// uses it; so can a loop of one's own.
template <class Model, class D, Optimiser O = AdamW> class Step : public OptimisedParameters<D, O> {
  using Base = OptimisedParameters<D, O>;

 public:
  static_assert(sizeof(Model) > 0);  // a wrong model says here what is wrong
  static_assert(TrainableModel<Model>,
                "Step<Model, Device>: Model is a Pretrainer, or has what TrainableModel lists.");
  using Pass = typename Model::template Pass<D>;
  using S = Statistic<D>;

  Step(D& device, StepOptions options)
      : Base(device, Model::parameters(), Model::parameter_count, use_of(options)),
        options_(options),
        batch_(device, Model::batch_widths, options.micro_batch),
        pass_(device, options.micro_batch, activation_bytes(options)) {
    pass_.drop_path(options.drop_path);
    pass_.recompute(options.recompute);
  }

  /// The plan, without reserving anything: the step itself runs on a device that only measures.
  static MemoryPlan plan(const StepOptions& options) {
    MemoryPlan plan = Base::plan(Model::parameter_count, use_of(options));
    plan.activations = activation_bytes(options);
    plan.images = options.micro_batch * BatchWidths(Model::batch_widths).total() *
                  static_cast<std::int64_t>(sizeof(S));
    return plan;
  }

  /// Starts a batch: `counters`, or given ranks, of all its images, over all micro-batches; the
  /// loss is divided by all their loss rows.
  void begin(std::span<const Counter> counters) { begin_rows(Model::loss_rows(counters)); }
  void begin(const GivenRanks& given) { begin_rows(Model::loss_rows(given.ranks)); }

  /// Order, forward and backward of one micro-batch of counters.size() images, on the host. The
  /// parts are read that Model::batch_widths names.
  void accumulate(const Batch<const S>& images, std::span<const Counter> counters) {
    const DeviceBatch<D> batch = upload(images, std::ssize(counters));
    pass_.order(use_of(options_) == AverageUse::read ? reading_average() : reading(), batch,
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
  double gradient_norm() { return Base::gradient_norm_of(loss_); }
  /// Clips to `clip` (0: not at all) and applies the optimiser, with these numbers;
  /// `average_decay` is used when an average is kept. Returns the norm before clipping.
  double update(const O& rule, double clip = 0, double average_decay = 0.999) {
    const double norm = gradient_norm();
    Base::apply(rule, clip > 0 && norm > clip ? clip / norm : 1.0, average_decay);
    return norm;
  }

  typename Pass::Parameters reading() const {
    return typename Pass::Parameters(Base::reading_cursor());
  }
  typename Pass::Parameters reading_average() const {
    return typename Pass::Parameters(Base::average_cursor());
  }
  Pass& pass() { return pass_; }
  const StepOptions& options() const { return options_; }

 private:
  void begin_rows(const std::array<std::int64_t, Model::streams>& rows) {
    Base::clear_gradients();
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
    Gradient<D>* const into = this->gradients().data();
    const typename Pass::Gradients gradients(Adding<D>(into, into));
    pass_.run(reading(), &gradients, batch, scale_);
    const auto losses = pass_.stream_losses();
    double sum = 0;
    for (std::size_t s = 0; s < losses.size(); ++s) {
      sum += losses[s];
      stream_losses_[s] += losses[s];
    }
    loss_ += sum;
  }
  static constexpr AverageUse use_of(const StepOptions& options) {
    if (!options.average) return AverageUse::none;
    if constexpr (requires { requires bool(Model::Order::from_average); }) return AverageUse::read;
    return AverageUse::kept;
  }
  static std::int64_t activation_bytes(const StepOptions& options) {
    return Pass::activation_bytes(options.micro_batch, true, options.drop_path, options.recompute);
  }

  StepOptions options_;
  DeviceBatchMemory<D, S> batch_;
  std::array<double, Model::streams> scale_{};
  std::array<double, Model::streams> stream_losses_{};
  double loss_ = 0;
  Pass pass_;
};

}  // namespace arvit
