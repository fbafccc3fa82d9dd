// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/frozen_teacher.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/train/progress.hpp"
#include "arvit/train/run_options.hpp"
#include "arvit/train/step.hpp"

namespace arvit {

/// Where pictures come from, in micro-batches: Loader of data/loader.hpp, or a user's own. The
/// place of a micro-batch is (epoch, number in it); an epoch holds batches_per_epoch() of them, a
/// multiple of the accumulation.
///   next()                  pointer to the next micro-batch: .images [size, 3, height, width] in float, .size; valid until the next call
///   seek({epoch, number})   the next micro-batch will be this one
///   planned(epoch, number)  indices of the pictures of a micro-batch, known without reading them
template <class L>
concept PictureSource = requires(L& source, std::uint32_t epoch, std::int64_t number) {
  { source.next()->images } -> std::convertible_to<const float*>;
  { source.next()->size } -> std::convertible_to<std::int64_t>;
  source.seek({epoch, number});
  { source.planned(epoch, number) } -> std::convertible_to<std::span<const std::uint32_t>>;
  { source.batches_per_epoch() } -> std::convertible_to<std::int64_t>;
  { source.seconds_waited() } -> std::convertible_to<double>;
  { source.bytes() } -> std::convertible_to<std::int64_t>;
};

/// What surrounds a run and may be left alone.
struct TrainerHooks {
  ProgressOutput output;
  std::function<void(const StepRecord&)> after_step;  ///< sees every step
};

/// How a run ended.
struct TrainingResult {
  std::int64_t step = 0;   ///< optimiser steps done, over all processes of the run
  double loss = 0;         ///< of the last step
  std::string checkpoint;  ///< the newest file
  bool complete = false;   ///< false: a signal asked for a stop; --resume continues
};

namespace detail {
// What of a run depends on no model.

/// A run from step `done` on: steps, logs, progress and checkpoints, until `total` steps or a
/// signal.
struct TrainingLoop {
  const RunOptions& options;
  const TrainerHooks& hooks;
  std::int64_t done, total, steps_per_epoch;
  std::string newest;  ///< checkpoint, or ""
  std::function<StepRecord(const std::string& newest)> step;
  std::function<std::string()> save;  ///< returns the file
  std::function<double()> seconds_waited;
  TrainingResult run();
};
void check_source(const RunOptions& options, std::int64_t batches_per_epoch);
/// The newest checkpoint of the folder; OptionError when there is one and the run is to start.
std::string newest_checkpoint(const CheckpointFolder& folder, const RunOptions& options);
[[noreturn]] void fail_step(const NumericError& error, std::int64_t step, double epoch,
                            const std::string& newest_checkpoint);
void note(const TrainerHooks& hooks, const std::string& line);
}  // namespace detail

/// Pre-trains a model: epochs of steps, each of `accumulation` micro-batches; checkpoints; logs;
/// progress. What it computes depends on the options, the seed and the pictures only: not on
/// threads, and not on where a run was interrupted and resumed.
template <class Model, Device D, PictureSource Source> class Trainer {
 public:
  static_assert(std::same_as<Statistic<D>, float>,
                "Trainer<Model, Device, Source>: pictures are float, so Device must keep its "
                "statistics in float.");

  /// Reserves all memory, after printing the plan; starts, or resumes from the newest checkpoint in
  /// options.out. `teacher` is needed where Model::given_width > 0.
  Trainer(D& device, Source& source, RunOptions options, RunInfo info, TrainerHooks hooks = {},
          FrozenTeacher teacher = {})
      : device_(device),
        source_(source),
        options_(checked(std::move(options))),
        info_(std::move(info)),
        hooks_(std::move(hooks)),
        teacher_(std::move(teacher)),
        folder_(options_.out, options_.keep),
        schedule_(options_.schedule()),
        average_decay_(options_.average_decay()),
        steps_per_epoch_(source.batches_per_epoch() / options_.accumulation()) {
    detail::check_source(options_, source.batches_per_epoch());
    folder_.prepare();
    const std::string newest = detail::newest_checkpoint(folder_, options_);
    if (memory_plan(); hooks_.output.stream != nullptr) memory_plan().print(*hooks_.output.stream);
    step_ = std::make_unique<Step<Model, D>>(device_, step_options());
    if (options_.resume && !newest.empty())
      resume(newest);
    else if (!options_.init.empty())
      load_parameters(options_.init, *step_);
    else
      step_->initialise(options_.seed);
    source_.seek({static_cast<std::uint32_t>(done_ / steps_per_epoch_),
                  done_ % steps_per_epoch_ * options_.accumulation()});
    if (options_.resume && newest.empty())
      detail::note(hooks_, text("no checkpoint in ", options_.out,
                                " yet: the run starts at its first step."));
    counters_.reserve(static_cast<std::size_t>(options_.batch));
    if (Model::given_width > 0 && !teacher_.give)
      fail<OptionError>(
          options_.model,
          " needs what a teacher or tokenizer gives with the pictures, and the trainer got none.");
    given_.resize(static_cast<std::size_t>(options_.images_per_micro_batch()) * Model::given_width);
  }

  /// Trains to the end, or until SIGINT or SIGTERM; saves before it returns.
  TrainingResult run() {
    return detail::TrainingLoop{options_,
                                hooks_,
                                done_,
                                total_steps(),
                                steps_per_epoch_,
                                folder_.newest(),
                                [this](const std::string& newest) { return train_step(newest); },
                                [this] { return save(); },
                                [this] { return source_.seconds_waited(); }}
        .run();
  }

  /// One optimiser step, without logs, progress and checkpoints.
  StepRecord train_step(const std::string& newest_checkpoint = "") {
    const auto epoch = static_cast<std::uint32_t>(done_ / steps_per_epoch_);
    const std::int64_t first = done_ % steps_per_epoch_ * options_.accumulation();
    counters_.clear();
    for (int part = 0; part < options_.accumulation(); ++part)
      for (const std::uint32_t index : source_.planned(epoch, first + part))
        counters_.push_back(Counter{options_.seed, epoch, index});
    if (static_cast<std::int64_t>(counters_.size()) != options_.batch)
      fail<ShapeError>("the source of pictures planned ", counters_.size(),
                       " images for a batch of ", options_.batch, ".");
    const double at = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
    StepRecord record;
    try {
      step_->begin(counters_);
      const auto size = static_cast<std::size_t>(options_.images_per_micro_batch());
      for (std::size_t begin = 0; begin < counters_.size(); begin += size) {
        const auto* batch = source_.next();
        if (batch == nullptr || static_cast<std::size_t>(batch->size) != size)
          fail<ShapeError>("the source of pictures gave ", batch == nullptr ? 0 : batch->size,
                           " images for a micro-batch of ", size, ".");
        const auto pictures = std::span<const Counter>(counters_).subspan(begin, size);
        if constexpr (Model::given_width > 0) teacher_.give(batch->images, pictures, given_.data());
        step_->accumulate(batch->images, pictures, given_.data());
      }
      record.learning_rate = schedule_.at(at);
      record.loss = step_->loss();
      record.gradient_norm = step_->update(
          AdamW{record.learning_rate, options_.beta1, options_.beta2, 1e-8, options_.weight_decay,
                done_ + 1},
          options_.clip, average_decay_.at(at));
    } catch (const NumericError& error) {
      detail::fail_step(error, done_ + 1, at, newest_checkpoint);
    }
    record.step = ++done_;
    record.epoch = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
    return record;
  }

  /// Writes a checkpoint of the present state and returns its path.
  std::string save() {
    const std::string path = folder_.path(done_);
    save_checkpoint(path, *step_,
                    CheckpointInfo::of<Model>(info_, options_, done_, steps_per_epoch_));
    folder_.forget_old();
    return path;
  }

  std::int64_t steps_done() const { return done_; }
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::int64_t total_steps() const {
    return std::max<std::int64_t>(
        1, std::llround(static_cast<double>(steps_per_epoch_) * options_.epochs));
  }
  Step<Model, D>& step() { return *step_; }
  const RunOptions& options() const { return options_; }
  const MemoryTable& memory_plan() {
    if (!memory_.lines.empty()) return memory_;
    std::int64_t made = source_.bytes();
    for (const MemoryTable::Line& line : teacher_.memory) made += line.bytes;
    memory_.add("program and data set, as they are now",
                std::max<std::int64_t>(0, process_bytes("VmRSS") - made));
    memory_.add("loader's buffers", source_.bytes());
    for (const MemoryTable::Line& line : teacher_.memory) memory_.add(line.what, line.bytes);
    memory_.add(Step<Model, D>::plan(step_options()), options_.images_per_micro_batch());
    return memory_;
  }

 private:
  static RunOptions checked(RunOptions options) {
    check(options);
    if constexpr (requires { requires bool(Model::Order::from_average); })
      if (options.ema == 0)
        fail<OptionError>("--ema is 0, but the orders of ", options.model,
                          " come from an average of the encoder; give --ema 0.999.");
    return options;
  }
  StepOptions step_options() const {
    return {options_.images_per_micro_batch(), options_.ema > 0, options_.drop_path,
            options_.recompute};
  }
  void resume(const std::string& file) {
    done_ = load_checkpoint(file, *step_,
                            CheckpointInfo::of<Model>(info_, options_, 0, steps_per_epoch_));
    detail::note(hooks_, text("resumed ", file, " after step ", done_, " of ", total_steps(), "."));
  }

  D& device_;
  Source& source_;
  RunOptions options_;
  RunInfo info_;
  TrainerHooks hooks_;
  FrozenTeacher teacher_;
  CheckpointFolder folder_;
  Schedule schedule_;
  Ramp average_decay_;
  std::int64_t steps_per_epoch_, done_ = 0;
  MemoryTable memory_;
  std::unique_ptr<Step<Model, D>> step_;
  std::vector<Counter> counters_;
  std::vector<float> given_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/trainer.ipp"
#endif
