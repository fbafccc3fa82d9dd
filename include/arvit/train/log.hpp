// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/train/progress.hpp"

namespace arvit {

/// The logs of a run in its folder: log.csv, log.jsonl and TensorBoard's events in tensorboard/. A
/// resumed run continues them after `done` steps; what a killed process wrote beyond its last
/// checkpoint is cut off or, in events, declared void: every step appears once.
class TrainingLog {
 public:
  TrainingLog(const std::string& folder, std::int64_t done);
  ~TrainingLog();
  void write(const StepRecord& record);
  /// The last step that log.csv had when it was opened; 0 for none.
  std::int64_t last_step() const;
  /// Makes what is written survive a power cut.
  void flush();

 private:
  struct Files;
  std::unique_ptr<Files> files_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/log.ipp"
#endif
