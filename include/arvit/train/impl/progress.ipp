// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/progress.hpp"

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
  loss_ += record.loss;
  ++count_;
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
    // Renews the line and clears what a longer one left.
    *output_.stream << '\r' << line << "\x1b[K" << std::flush;
  else
    *output_.stream << line << std::endl;
  open_ = output_.terminal;
  printed_ = now;
  loss_ = 0;
  count_ = 0;
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
