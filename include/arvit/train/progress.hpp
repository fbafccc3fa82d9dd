// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>

#include "arvit/core/linkage.hpp"

namespace arvit {

/// What is known of a training step once it is done.
struct StepRecord {
  std::int64_t step = 0;  ///< counts from 1
  double epoch = 0;       ///< passes over the pictures after this step
  double loss = 0, learning_rate = 0, gradient_norm = 0;  ///< norm before clipping
  double images_per_second = 0, wait_share = 0;  ///< share of the time spent waiting for data
  double seconds = 0;                            ///< since this process began to train
};

/// "1 h 02 min", "3 min 20 s", "12 s".
std::string duration_text(double seconds);

/// Where progress is written: on a terminal one line that is renewed, elsewhere a line every few
/// seconds.
struct ProgressOutput {
  std::ostream* stream = &std::cout;  ///< nullptr: nothing is written
  bool terminal = isatty(STDOUT_FILENO) != 0;
  double interval() const { return terminal ? 0.2 : 10.0; }
};

/// One line for people: epoch, step, loss (the mean since the last line), learning rate, gradient
/// norm, images/s, share of waiting, time left.
class Progress {
 public:
  /// Of a run of `steps` steps, `done` of which an earlier process did.
  Progress(ProgressOutput output, double epochs, std::int64_t steps, std::int64_t done)
      : output_(output), epochs_(epochs), steps_(steps), done_(done) {}
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const StepRecord& record);
  /// A line of its own, which stays.
  void note(const std::string& line);
  /// Ends a line that would be renewed.
  void end();

 private:
  ProgressOutput output_;
  double epochs_;
  std::int64_t steps_, done_;
  std::chrono::steady_clock::time_point printed_{};
  double loss_ = 0;
  int count_ = 0;
  bool open_ = false;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/progress.ipp"
#endif
