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

#if ARVIT_DEFINITIONS
#include <cmath>
#include <cstdio>

namespace arvit {

ARVIT_DEFINITION std::string duration_text(double seconds) {
  char buffer[48];
  const auto s = static_cast<long long>(std::llround(std::fmax(0, seconds)));
  if (s >= 86400)
    std::snprintf(buffer, sizeof buffer, "%lld d %02lld h", s / 86400, s % 86400 / 3600);
  else if (s >= 3600)
    std::snprintf(buffer, sizeof buffer, "%lld h %02lld min", s / 3600, s % 3600 / 60);
  else if (s >= 60)
    std::snprintf(buffer, sizeof buffer, "%lld min %02lld s", s / 60, s % 60);
  else
    std::snprintf(buffer, sizeof buffer, "%lld s", s);
  return buffer;
}

ARVIT_DEFINITION void Progress::show(const StepRecord& record) {
  if (output_.stream == nullptr) return;
  loss_ += record.loss, ++count_;
  const auto now = std::chrono::steady_clock::now();
  const bool last = record.step == steps_;
  if (!last && std::chrono::duration<double>(now - printed_).count() < output_.interval())
    return;  // the first step is always shown
  const double left = record.seconds / static_cast<double>(record.step - done_) *
                      static_cast<double>(steps_ - record.step);
  char line[256];
  std::snprintf(line, sizeof line,
                "epoch %.2f/%.4g  step %lld/%lld  loss %.4f  lr %.2e  gradient %.3g  %.*f images/s "
                " waiting %.0f %%  %s left",
                record.epoch, epochs_, static_cast<long long>(record.step),
                static_cast<long long>(steps_), loss_ / count_, record.learning_rate,
                record.gradient_norm, record.images_per_second < 100 ? 1 : 0,
                record.images_per_second, 100 * record.wait_share, duration_text(left).c_str());
  if (output_.terminal)
    *output_.stream << '\r' << line << "\x1b[K"
                    << std::flush;  // renews the line and clears what a longer one left
  else
    *output_.stream << line << std::endl;
  open_ = output_.terminal;
  printed_ = now, loss_ = 0, count_ = 0;
}

ARVIT_DEFINITION void Progress::note(const std::string& line) {
  if (output_.stream == nullptr) return;
  end();
  *output_.stream << line << std::endl;
}

ARVIT_DEFINITION void Progress::end() {
  if (open_) *output_.stream << std::endl;
  open_ = false;
}

}  // namespace arvit
#endif  // ARVIT_DEFINITIONS
