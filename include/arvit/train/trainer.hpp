// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/log.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/train/progress.hpp"
#include "arvit/train/run_options.hpp"
#include "arvit/train/step.hpp"
#include "arvit/train/stop.hpp"

namespace arvit {

/// Where pictures come from, in micro-batches: Loader of data/loader.hpp, or a user's own. The place of a micro-batch is (epoch, number in it);
/// an epoch holds batches_per_epoch() of them, a multiple of the accumulation.
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
  std::int64_t step = 0;    ///< optimiser steps done, over all processes of the run
  double loss = 0;          ///< of the last step
  std::string checkpoint;   ///< the newest file
  bool complete = false;    ///< false: a signal asked for a stop; --resume continues
};

/// Pre-trains a model: epochs of steps, each of `accumulation` micro-batches; checkpoints; logs; progress. What it computes depends on the
/// options, the seed and the pictures only: not on threads, and not on where a run was interrupted and resumed.
template <TrainableModel Model, Device D, PictureSource Source>
class Trainer {
 public:
  static_assert(std::same_as<Statistic<D>, float>, "Trainer<Model, Device, Source>: pictures are float, so Device must keep its statistics in float.");

  /// Reserves all memory, after printing the plan; starts, or resumes from the newest checkpoint in options.out.
  Trainer(D& device, Source& source, RunOptions options, RunInfo info, TrainerHooks hooks = {})
      : device_(device), source_(source), options_(checked(std::move(options))), info_(std::move(info)), hooks_(std::move(hooks)), folder_(options_.out, options_.keep),
        schedule_(options_.schedule()), average_decay_(options_.average_decay()), steps_per_epoch_(source.batches_per_epoch() / options_.accumulation()) {
    if (steps_per_epoch_ < 1 || source.batches_per_epoch() % options_.accumulation() != 0)
      fail<OptionError>("--batch ", options_.batch, ": an epoch of ", source.batches_per_epoch(), " micro-batches of ", options_.images_per_micro_batch(),
                        " holds no whole number of batches; choose a batch that the data set can fill.");
    folder_.prepare();
    const std::string newest = folder_.newest();
    if (!options_.resume && !newest.empty())
      fail<OptionError>("--out ", options_.out, " already holds ", newest, "; continue that run with --resume, or choose another folder.");
    if (memory_plan(); hooks_.output.stream != nullptr) memory_plan().print(*hooks_.output.stream);
    step_ = std::make_unique<Step<Model, D>>(device_, step_options());
    if (options_.resume && !newest.empty()) resume(newest);
    else if (!options_.init.empty()) load_parameters(options_.init, *step_);
    else step_->initialise(options_.seed);
    source_.seek({static_cast<std::uint32_t>(done_ / steps_per_epoch_), done_ % steps_per_epoch_ * options_.accumulation()});
    if (options_.resume && newest.empty()) note(text("no checkpoint in ", options_.out, " yet: the run starts at its first step."));
    counters_.reserve(static_cast<std::size_t>(options_.batch));
  }

  /// Trains to the end, or until SIGINT or SIGTERM; saves before it returns.
  TrainingResult run() {
    const StopOnSignal stop;
    TrainingLog log(options_.out, done_);
    Progress progress(hooks_.output, options_.epochs, total_steps(), done_);
    const auto begin = std::chrono::steady_clock::now();
    TrainingResult result{done_, 0, folder_.newest(), false};
    std::int64_t saved = done_ > 0 ? done_ : -1;
    const auto save_now = [&] {
      log.flush();  // a checkpoint must not outlive the log of the steps before it
      result.checkpoint = save(), saved = done_;
    };
    double waited = source_.seconds_waited();
    while (done_ < total_steps() && StopOnSignal::received() == 0) {
      const auto step_begin = std::chrono::steady_clock::now();
      StepRecord record = train_step(result.checkpoint);
      const auto now = std::chrono::steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - step_begin).count();
      record.images_per_second = options_.batch / seconds;
      record.wait_share = std::min(1.0, (source_.seconds_waited() - waited) / seconds);
      record.seconds = std::chrono::duration<double>(now - begin).count();
      waited = source_.seconds_waited();
      result.step = done_, result.loss = record.loss;
      if (done_ % options_.log_every == 0 || done_ == total_steps()) log.write(record);
      progress.show(record);
      if (hooks_.after_step) hooks_.after_step(record);
      if (done_ % save_interval() == 0) save_now();
    }
    result.complete = done_ == total_steps();
    if (saved != done_) save_now();
    if (!result.complete)
      progress.note(text("stopped by ", StopOnSignal::received() == SIGINT ? "SIGINT" : "SIGTERM", " after step ", done_, " of ", total_steps(), "; ", result.checkpoint,
                         " is written, --resume continues."));
    return result;
  }

  /// One optimiser step, without logs, progress and checkpoints.
  StepRecord train_step(const std::string& newest_checkpoint = "") {
    const auto epoch = static_cast<std::uint32_t>(done_ / steps_per_epoch_);
    const std::int64_t first = done_ % steps_per_epoch_ * options_.accumulation();
    counters_.clear();
    for (int part = 0; part < options_.accumulation(); ++part)
      for (const std::uint32_t index : source_.planned(epoch, first + part)) counters_.push_back(Counter{options_.seed, epoch, index});
    if (static_cast<std::int64_t>(counters_.size()) != options_.batch)
      fail<ShapeError>("the source of pictures planned ", counters_.size(), " images for a batch of ", options_.batch, ".");
    const double at = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
    StepRecord record;
    try {
      step_->begin(counters_);
      const auto size = static_cast<std::size_t>(options_.images_per_micro_batch());
      for (std::size_t begin = 0; begin < counters_.size(); begin += size) {
        const auto* batch = source_.next();
        if (batch == nullptr || static_cast<std::size_t>(batch->size) != size)
          fail<ShapeError>("the source of pictures gave ", batch == nullptr ? 0 : batch->size, " images for a micro-batch of ", size, ".");
        step_->accumulate(batch->images, std::span<const Counter>(counters_).subspan(begin, size));
      }
      record.learning_rate = schedule_.at(at);
      record.loss = step_->loss();
      record.gradient_norm = step_->update(AdamW{record.learning_rate, options_.beta1, options_.beta2, 1e-8, options_.weight_decay, done_ + 1}, options_.clip,
                                           average_decay_.at(at));
    } catch (const NumericError& error) {
      char epoch_text[32];
      std::snprintf(epoch_text, sizeof epoch_text, "%.2f", at);
      fail<NumericError>("step ", done_ + 1, " (epoch ", epoch_text, "): ", error.what(),
                         newest_checkpoint.empty() ? " No checkpoint is written yet." : text(" The newest checkpoint is ", newest_checkpoint, "."));
    }
    record.step = ++done_;
    record.epoch = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
    return record;
  }

  /// Writes a checkpoint of the present state and returns its path.
  std::string save() {
    const std::string path = folder_.path(done_);
    save_checkpoint(path, *step_, CheckpointInfo::of<Model>(info_, options_, done_, steps_per_epoch_));
    folder_.forget_old();
    return path;
  }

  std::int64_t steps_done() const { return done_; }
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::int64_t total_steps() const { return steps_per_epoch_ * options_.epochs; }
  Step<Model, D>& step() { return *step_; }
  const RunOptions& options() const { return options_; }
  const MemoryTable& memory_plan() {
    if (!memory_.lines.empty()) return memory_;
    memory_.add("program and data set, as they are now", std::max<std::int64_t>(0, process_bytes("VmRSS") - source_.bytes()));
    memory_.add("loader's buffers", source_.bytes());
    memory_.add(Step<Model, D>::plan(step_options()), options_.images_per_micro_batch());
    return memory_;
  }

 private:
  static RunOptions checked(RunOptions options) {
    check(options);
    if constexpr (requires { requires bool(Model::Order::from_average); })
      if (options.ema == 0) fail<OptionError>("--ema is 0, but the orders of ", options.model, " come from an average of the encoder; give --ema 0.999.");
    return options;
  }
  StepOptions step_options() const { return {options_.images_per_micro_batch(), options_.ema > 0, options_.drop_path}; }
  std::int64_t save_interval() const { return options_.save_every > 0 ? options_.save_every : steps_per_epoch_; }
  void note(const std::string& line) const {
    if (hooks_.output.stream != nullptr) *hooks_.output.stream << line << std::endl;
  }
  void resume(const std::string& file) {
    done_ = load_checkpoint(file, *step_, CheckpointInfo::of<Model>(info_, options_, 0, steps_per_epoch_));
    note(text("resumed ", file, " after step ", done_, " of ", total_steps(), "."));
  }

  D& device_;
  Source& source_;
  RunOptions options_;
  RunInfo info_;
  TrainerHooks hooks_;
  CheckpointFolder folder_;
  Schedule schedule_;
  Ramp average_decay_;
  std::int64_t steps_per_epoch_, done_ = 0;
  MemoryTable memory_;
  std::unique_ptr<Step<Model, D>> step_;
  std::vector<Counter> counters_;
};

}  // namespace arvit
