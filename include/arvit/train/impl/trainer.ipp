// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "arvit/train/log.hpp"
#include "arvit/train/stop.hpp"

namespace arvit::detail {

ARVIT_DEFINITION TrainingResult TrainingLoop::run() {
  const StopOnSignal stop;
  TrainingLog log(options.out, done);
  Progress progress(hooks.output, options.epochs, total, done);
  const std::int64_t save_interval = options.save_every > 0 ? options.save_every : steps_per_epoch;
  const auto begin = std::chrono::steady_clock::now();
  TrainingResult result{done, 0, newest, false};
  std::int64_t saved = done > 0 ? done : -1;
  const auto save_now = [&] {
    log.flush();  // a checkpoint must not outlive the log of the steps before it
    result.checkpoint = save(), saved = done;
  };
  double waited = seconds_waited();
  while (done < total && StopOnSignal::received() == 0) {
    const auto step_begin = std::chrono::steady_clock::now();
    StepRecord record = step(result.checkpoint);
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - step_begin).count();
    record.images_per_second = options.batch / seconds;
    record.wait_share = std::min(1.0, (seconds_waited() - waited) / seconds);
    record.seconds = std::chrono::duration<double>(now - begin).count();
    waited = seconds_waited();
    result.step = done = record.step, result.loss = record.loss;
    if (done % options.log_every == 0 || done == total) log.write(record);
    progress.show(record);
    if (hooks.after_step) hooks.after_step(record);
    if (done % save_interval == 0) save_now();
  }
  result.complete = done == total;
  if (saved != done) save_now();
  if (!result.complete)
    progress.note(text("stopped by ", StopOnSignal::received() == SIGINT ? "SIGINT" : "SIGTERM",
                       " after step ", done, " of ", total, "; ", result.checkpoint,
                       " is written, --resume continues."));
  return result;
}

ARVIT_DEFINITION void check_source(const RunOptions& options, std::int64_t batches_per_epoch) {
  if (batches_per_epoch < options.accumulation() || batches_per_epoch % options.accumulation() != 0)
    fail<OptionError>(
        "--batch ", options.batch, ": an epoch of ", batches_per_epoch, " micro-batches of ",
        options.images_per_micro_batch(),
        " holds no whole number of batches; choose a batch that the data set can fill.");
}

ARVIT_DEFINITION std::string newest_checkpoint(const CheckpointFolder& folder,
                                               const RunOptions& options) {
  const std::string newest = folder.newest();
  if (!options.resume && !newest.empty())
    fail<OptionError>("--out ", options.out, " already holds ", newest,
                      "; continue that run with --resume, or choose another folder.");
  return newest;
}

ARVIT_DEFINITION void fail_step(const NumericError& error, std::int64_t step, double epoch,
                                const std::string& newest_checkpoint) {
  char epoch_text[32];
  std::snprintf(epoch_text, sizeof epoch_text, "%.2f", epoch);
  fail<NumericError>("step ", step, " (epoch ", epoch_text, "): ", error.what(),
                     newest_checkpoint.empty()
                         ? " No checkpoint is written yet."
                         : text(" The newest checkpoint is ", newest_checkpoint, "."));
}

ARVIT_DEFINITION void note(const TrainerHooks& hooks, const std::string& line) {
  if (hooks.output.stream != nullptr) *hooks.output.stream << line << std::endl;
}

}  // namespace arvit::detail
