// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <utility>

#include "arvit/io/folder.hpp"
#include "arvit/train/log.hpp"
#include "arvit/train/stop.hpp"

namespace arvit {

ARVIT_DEFINITION TrainingRun::TrainingRun(TrainerOptions options, RunInfo info, TrainerHooks hooks,
                                          std::int64_t batches_per_epoch)
    : options_(std::move(options)),
      info_(std::move(info)),
      hooks_(std::move(hooks)),
      folder_(options_.files.out, options_.files.keep),
      schedule_(options_.schedule.of_batch(options_.batch.size)),
      average_decay_(options_.optimiser.average_decay()) {
  check(options_);
  const int accumulation = options_.batch.accumulation();
  if (batches_per_epoch < accumulation || batches_per_epoch % accumulation != 0)
    fail<OptionError>("batch ", options_.batch.size, ": an epoch of ", batches_per_epoch,
                      " micro-batches of ", options_.batch.images_per_micro_batch(),
                      " holds no whole number of batches; choose a batch that the data set can "
                      "fill.");
  steps_per_epoch_ = batches_per_epoch / accumulation;
  make_writable_folder(options_.files.out);
  lock_.emplace(options_.files.out);
  folder_.remove_unfinished();
  const std::string newest = folder_.newest();
  if (!options_.files.resume && !newest.empty())
    fail<OptionError>(options_.files.out, ": already holds ", newest,
                      "; resume that run, or choose another folder.");
}

ARVIT_DEFINITION std::int64_t TrainingRun::total_steps() const {
  const double steps = static_cast<double>(steps_per_epoch_) * options_.schedule.epochs;
  return std::max<std::int64_t>(1, std::llround(steps));
}

ARVIT_DEFINITION void TrainingRun::go_on(
    const std::function<std::int64_t(const std::string&)>& load) {
  folder_.use_newest(
      [&](const std::string& path) {
        done_ = load(path);
        note(text("resumed ", path, " after step ", done_, " of ", total_steps(), "."));
      },
      [&](const std::string& why) { note(text(why, " The one before it is taken.")); });
}

ARVIT_DEFINITION StepRecord TrainingRun::train_step() {
  const double at = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
  const double learning_rate = schedule_.at(at);
  StepRecord record;
  try {
    record = compute_step(learning_rate, average_decay_.at(at));
  } catch (const NumericError& error) {
    char epoch[32];
    std::snprintf(epoch, sizeof epoch, "%.2f", at);
    const std::string newest = folder_.newest();
    fail<NumericError>("step ", done_ + 1, " (epoch ", epoch, "): ", error.what(),
                       newest.empty() ? " No checkpoint is written yet."
                                      : text(" The newest checkpoint is ", newest, "."));
  }
  record.learning_rate = learning_rate;
  record.step = ++done_;
  record.epoch = static_cast<double>(done_) / static_cast<double>(steps_per_epoch_);
  return record;
}

ARVIT_DEFINITION std::string TrainingRun::save() {
  const std::string path = folder_.path(done_);
  write_checkpoint(path, done_);
  folder_.forget_old();
  return path;
}

ARVIT_DEFINITION TrainingResult TrainingRun::run() {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const StopOnSignal stop;
  const std::int64_t total = total_steps();
  const std::int64_t save_interval = options_.files.save_every.value_or(steps_per_epoch_);
  TrainingLog log(options_.files.out, done_);
  Progress progress(hooks_.output, options_.schedule.epochs, total, done_);
  if (log.last_step() + options_.files.log_every <= done_)
    progress.note(text(options_.files.out, "/log.csv: lacks the steps from ", log.last_step() + 1,
                       " to ", done_, ", which an earlier run computed; it goes on without them."));
  TrainingResult result{done_, 0, folder_.newest(), false};
  std::int64_t saved = done_ > 0 ? done_ : -1;
  const auto save_now = [&] {
    log.flush();  // a checkpoint must not outlive the log of the steps before it
    result.checkpoint = save();
    saved = done_;
  };
  const auto begin = Clock::now();
  double waited = seconds_waited();
  while (done_ < total && StopOnSignal::received() == 0) {
    const auto step_begin = Clock::now();
    StepRecord record = train_step();
    const double seconds = seconds_since(step_begin);
    record.images_per_second = options_.batch.size / seconds;
    record.wait_share = std::min(1.0, (seconds_waited() - waited) / seconds);
    record.seconds = seconds_since(begin);
    waited = seconds_waited();
    result.step = done_;
    result.loss = record.loss;
    if (done_ % options_.files.log_every == 0 || done_ == total) log.write(record);
    progress.show(record);
    if (hooks_.after_step) hooks_.after_step(record);
    if (done_ % save_interval == 0) save_now();
  }
  result.complete = done_ == total;
  if (saved != done_) save_now();
  if (!result.complete)
    progress.note(text("stopped by ", StopOnSignal::name(), " after step ", done_, " of ", total,
                       "; ", result.checkpoint, " is written."));
  return result;
}

ARVIT_DEFINITION void TrainingRun::note(const std::string& line) const {
  if (hooks_.output.stream != nullptr) *hooks_.output.stream << line << std::endl;
}

}  // namespace arvit
