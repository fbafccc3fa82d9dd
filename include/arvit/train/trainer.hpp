// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/batch.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/io/folder.hpp"
#include "arvit/train/checkpoint.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/memory.hpp"
#include "arvit/train/progress.hpp"
#include "arvit/train/schedule.hpp"
#include "arvit/train/step.hpp"
#include "arvit/train/trainer_options.hpp"

namespace arvit {

/// Where pictures come from, in micro-batches: Loader of data/loader.hpp, or a user's own. The
/// place of a micro-batch is (epoch, number in it); an epoch holds batches_per_epoch() of them, a
/// multiple of the accumulation.
///   next()                  pointer to the next micro-batch: a Batch<const float> with pixels,
///                           and .size; valid until the next call
///   seek({epoch, number})   the next micro-batch will be this one
///   planned(epoch, number)  indices of the pictures of a micro-batch, known without reading them
template <class L>
concept PictureSource = requires(L& source, std::uint32_t epoch, std::int64_t number) {
  { *source.next() } -> std::convertible_to<Batch<const float>>;
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
  bool complete = false;   ///< false: a signal asked for a stop; the run can be resumed
};

/// The part of a trainer that knows neither model nor device: how far the run is, its folder with
/// logs and checkpoints, progress, and when to stop.
class TrainingRun {
 public:
  virtual ~TrainingRun() = default;

  /// Trains to the end, or until a signal asks for a stop (StopOnSignal); saves before it returns.
  TrainingResult run();
  /// One optimiser step, without logs, progress and checkpoints. NumericError names the step and
  /// the newest checkpoint.
  StepRecord train_step();
  /// Writes a checkpoint of the present state and returns its path.
  std::string save();

  std::int64_t steps_done() const { return done_; }
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  std::int64_t total_steps() const;
  const TrainerOptions& options() const { return options_; }

 protected:
  /// Checks the options, and makes the folder. OptionError where it holds a run that is not to be
  /// resumed, or where the epoch of the pictures is no whole number of batches.
  TrainingRun(TrainerOptions options, RunInfo info, TrainerHooks hooks,
              std::int64_t batches_per_epoch);

  const RunInfo& info() const { return info_; }
  const TrainerHooks& hooks() const { return hooks_; }
  /// Whether the run goes on from a checkpoint, or begins.
  bool resumes() const { return options_.files.resume && !folder_.newest().empty(); }
  /// Goes on from the newest checkpoint that is whole: load(path) reads it and returns its step.
  void go_on(const std::function<std::int64_t(const std::string& path)>& load);
  std::uint32_t epoch() const { return static_cast<std::uint32_t>(done_ / steps_per_epoch_); }
  /// The first micro-batch of the next step in its epoch.
  std::int64_t next_micro_batch() const {
    return done_ % steps_per_epoch_ * options_.batch.accumulation();
  }
  void note(const std::string& line) const;

 private:
  /// Computes one step with this learning rate, and this decay of the average: loss and norm.
  virtual StepRecord compute_step(double learning_rate, double average_decay) = 0;
  virtual void write_checkpoint(const std::string& path, std::int64_t step) = 0;
  virtual double seconds_waited() const = 0;

  TrainerOptions options_;
  RunInfo info_;
  TrainerHooks hooks_;
  CheckpointFolder folder_;
  std::optional<FolderLock> lock_;  ///< of that folder, as long as the run lives
  Schedule schedule_;
  Ramp average_decay_;
  std::int64_t steps_per_epoch_ = 0, done_ = 0;
};

/// Pre-trains a model: epochs of steps, each of `accumulation` micro-batches; checkpoints; logs;
/// progress. What it computes depends on the options, the seed and the pictures only: not on
/// threads, and not on where a run was interrupted and resumed.
template <class Model, Device D, PictureSource Pictures, Optimiser O = AdamW>
class Trainer final : public TrainingRun {
 public:
  static_assert(std::same_as<Statistic<D>, float>,
                "Trainer<Model, Device, Pictures>: pictures are float, so Device must keep its "
                "statistics in float.");

  /// Reserves all memory, after printing the plan; starts, or resumes from the newest checkpoint in
  /// the folder of the run. `info.teacher` is needed where the model reads more than pixels.
  Trainer(D& device, Pictures& pictures, TrainerOptions options, RunInfo info,
          TrainerHooks hooks = {})
      : TrainingRun(std::move(options), std::move(info), std::move(hooks),
                    pictures.batches_per_epoch()),
        device_(device),
        pictures_(pictures) {
    check_model();
    const MemoryTable& plan = memory_plan();
    if (this->hooks().output.stream != nullptr) plan.print(*this->hooks().output.stream);
    step_ = std::make_unique<Step<Model, D, O>>(device_, step_options());
    const bool goes_on = resumes();
    if (goes_on)
      go_on([&](const std::string& path) {
        return load_checkpoint(path, *step_, checkpoint_info(0));
      });
    else if (!this->options().files.init.empty())
      load_parameters(this->options().files.init, *step_);
    else
      step_->initialise(this->options().seed);
    pictures_.seek({epoch(), next_micro_batch()});
    if (this->options().files.resume && !goes_on)
      note(text("no checkpoint in ", this->options().files.out,
                " yet: the run starts at its first step."));
    counters_.reserve(this->options().batch.size);
    made_ = HostBatch<float>(widths.beside_pixels(), batch().images_per_micro_batch());
  }

  Step<Model, D, O>& step() { return *step_; }
  /// The optimiser's numbers, for those that no option names (SGD's momentum).
  O& optimiser() { return optimiser_; }
  const MemoryTable& memory_plan() {
    if (!memory_.lines.empty()) return memory_;
    std::int64_t made = pictures_.bytes();
    for (const MemoryTable::Line& line : info().teacher.memory) made += line.bytes;
    memory_.add("program and data set, as they are now",
                std::max<std::int64_t>(0, process_bytes("VmRSS") - made));
    memory_.add("loader's buffers", pictures_.bytes());
    for (const MemoryTable::Line& line : info().teacher.memory) memory_.add(line.what, line.bytes);
    memory_.add(Step<Model, D, O>::plan(step_options()), batch().images_per_micro_batch());
    return memory_;
  }

 private:
  void check_model() const {
    if constexpr (requires { requires bool(Model::Order::from_average); })
      if (!options().optimiser.keeps_average())
        fail<OptionError>(options().model,
                          ": its orders come from an average of the encoder, and none is kept; "
                          "give its decay, such as 0.999.");
    if (!info().teacher.makes(widths))
      fail<OptionError>(
          options().model,
          " needs what a teacher or tokenizer gives with the pictures, and the trainer got none.");
  }
  const BatchOptions& batch() const { return options().batch; }
  StepOptions step_options() const {
    return {batch().images_per_micro_batch(), options().optimiser.keeps_average(),
            options().optimiser.drop_path, batch().recompute};
  }
  CheckpointInfo checkpoint_info(std::int64_t step) const {
    return CheckpointInfo::of<Model>(info(), options(), step, steps_per_epoch());
  }

  /// The pictures of the next step, by name.
  void plan_step() {
    counters_.clear();
    for (int part = 0; part < batch().accumulation(); ++part)
      for (const std::uint32_t index : pictures_.planned(epoch(), next_micro_batch() + part))
        counters_.push_back(Counter{options().seed, epoch(), index});
    if (static_cast<std::int64_t>(counters_.size()) != batch().size)
      fail<ShapeError>("the source of pictures planned ", counters_.size(),
                       " images for a batch of ", batch().size, ".");
  }
  void accumulate(std::span<const Counter> counters) {
    const auto* part = pictures_.next();
    if (part == nullptr || std::cmp_not_equal(part->size, counters.size()))
      fail<ShapeError>("the source of pictures gave ", part == nullptr ? 0 : part->size,
                       " images for a micro-batch of ", counters.size(), ".");
    const Batch<float> made = made_.first(part->size);
    info().teacher.fill(part->pixels.data(), counters, made);
    Batch<const float> images = made;
    images.pixels = part->pixels;
    step_->accumulate(images, counters);
  }
  StepRecord compute_step(double learning_rate, double average_decay) override {
    plan_step();
    step_->begin(counters_);
    const std::size_t size = batch().images_per_micro_batch();
    for (std::size_t begin = 0; begin < counters_.size(); begin += size)
      accumulate(std::span<const Counter>(counters_).subspan(begin, size));
    set_optimiser(learning_rate);
    StepRecord record;
    record.loss = step_->loss();
    record.gradient_norm = step_->update(optimiser_, options().optimiser.clip, average_decay);
    return record;
  }
  /// The optimiser's numbers that options name, as far as it has them.
  void set_optimiser(double learning_rate) {
    const OptimiserOptions& o = options().optimiser;
    optimiser_.learning_rate = learning_rate;
    if constexpr (requires { optimiser_.weight_decay; }) optimiser_.weight_decay = o.weight_decay;
    if constexpr (requires { optimiser_.beta1; }) optimiser_.beta1 = o.beta1;
    if constexpr (requires { optimiser_.beta2; }) optimiser_.beta2 = o.beta2;
    if constexpr (requires { optimiser_.step; }) optimiser_.step = steps_done() + 1;
  }
  void write_checkpoint(const std::string& path, std::int64_t step) override {
    save_checkpoint(path, *step_, checkpoint_info(step));
  }
  double seconds_waited() const override { return pictures_.seconds_waited(); }

  static constexpr BatchWidths widths = Model::batch_widths;
  D& device_;
  Pictures& pictures_;
  MemoryTable memory_;
  std::unique_ptr<Step<Model, D, O>> step_;
  O optimiser_;
  std::vector<Counter> counters_;
  HostBatch<float> made_;  ///< by the teacher
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/trainer.ipp"
#endif
