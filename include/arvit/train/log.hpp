// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/io/csv.hpp"
#include "arvit/io/json_lines.hpp"
#include "arvit/io/tensorboard.hpp"
#include "arvit/train/progress.hpp"

namespace arvit {

/// The logs of a run in its folder: log.csv, log.jsonl and TensorBoard's events in tensorboard/. A resumed run continues them after `done`
/// steps; what a killed process wrote beyond its last checkpoint is cut off or, in events, declared void: every step appears once.
class TrainingLog {
 public:
  TrainingLog(const std::filesystem::path& folder, std::int64_t done)
      : csv_(folder / "log.csv", names(), done + 1), lines_(folder / "log.jsonl", done + 1), events_(folder / "tensorboard", done + 1) {}  // from step 1 too: a run killed before its first checkpoint left events

  void write(const StepRecord& record) {
    const auto values = values_of(record);
    csv_.row(record.step, values);
    lines_.line(record.step, [&](JsonWriter& json) {
      for (std::size_t i = 0; i < columns.size(); ++i) json.member(columns[i].name, values[i]);
    });
    std::array<Scalar, columns.size()> scalars;
    for (std::size_t i = 0; i < columns.size(); ++i) scalars[i] = {columns[i].tag, static_cast<float>(values[i])};
    events_.scalars(record.step, scalars);
  }
  /// Makes what is written survive a power cut.
  void flush() { csv_.flush(), lines_.flush(), events_.flush(); }

 private:
  struct Column { std::string_view name, tag; double StepRecord::*value; };
  static constexpr std::array columns{
      Column{"epoch", "train/epoch", &StepRecord::epoch},
      Column{"loss", "train/loss", &StepRecord::loss},
      Column{"learning_rate", "train/learning_rate", &StepRecord::learning_rate},
      Column{"gradient_norm", "train/gradient_norm", &StepRecord::gradient_norm},
      Column{"images_per_second", "speed/images_per_second", &StepRecord::images_per_second},
      Column{"wait_share", "speed/wait_share", &StepRecord::wait_share},
  };
  static std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Column& column : columns) all.emplace_back(column.name);
    return all;
  }
  static std::array<double, columns.size()> values_of(const StepRecord& record) {
    std::array<double, columns.size()> values;
    for (std::size_t i = 0; i < columns.size(); ++i) values[i] = record.*columns[i].value;
    return values;
  }
  CsvLog csv_;
  JsonLinesLog lines_;
  TensorBoard events_;
};

}  // namespace arvit
