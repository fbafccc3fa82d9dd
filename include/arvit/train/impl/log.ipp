// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/log.hpp"

#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "arvit/io/csv.hpp"
#include "arvit/io/json_lines.hpp"
#include "arvit/io/tensorboard.hpp"

namespace arvit {

struct TrainingLog::Files {
  // A name: nvcc writes the type of a member with parentheses that g++ warns of.
  using Value = double StepRecord::*;
  struct Column {
    std::string_view name, tag;
    Value value;
  };
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
  Files(const std::filesystem::path& folder, std::int64_t done)
      : csv(folder / "log.csv", names(), done + 1),
        lines(folder / "log.jsonl", done + 1),
        events(folder / "tensorboard", done + 1) {
  }  // from step 1 too: a run killed before its first checkpoint left events
  CsvLog csv;
  JsonLinesLog lines;
  TensorBoard events;
};

ARVIT_DEFINITION TrainingLog::TrainingLog(const std::string& folder, std::int64_t done)
    : files_(std::make_unique<Files>(folder, done)) {}
ARVIT_DEFINITION TrainingLog::~TrainingLog() = default;

ARVIT_DEFINITION void TrainingLog::write(const StepRecord& record) {
  constexpr const auto& columns = Files::columns;
  std::array<double, columns.size()> values;
  std::array<Scalar, columns.size()> scalars;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    values[i] = record.*columns[i].value;
    scalars[i] = {columns[i].tag, static_cast<float>(values[i])};
  }
  files_->csv.row(record.step, values);
  files_->lines.line(record.step, [&](JsonWriter& json) {
    for (std::size_t i = 0; i < columns.size(); ++i) json.member(columns[i].name, values[i]);
  });
  files_->events.scalars(record.step, scalars);
}

ARVIT_DEFINITION std::int64_t TrainingLog::last_step() const { return files_->csv.last_step(); }

ARVIT_DEFINITION void TrainingLog::flush() {
  files_->csv.flush();
  files_->lines.flush();
  files_->events.flush();
}

}  // namespace arvit
