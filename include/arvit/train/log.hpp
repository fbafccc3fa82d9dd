// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/io/append_file.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/train/progress.hpp"

namespace arvit {

/// The numbers of a record and their names, as every log writes them. The step comes first: a resumed log finds its place by it.
template <class Visit>
void for_each_value(const StepRecord& record, Visit&& visit) {
  visit("step", record.step), visit("epoch", record.epoch), visit("loss", record.loss), visit("learning_rate", record.learning_rate);
  visit("gradient_norm", record.gradient_norm), visit("images_per_second", record.images_per_second), visit("wait_share", record.wait_share);
}

namespace detail {

/// Shortens a log of lines to those whose step, the number after `before` at the start of the line, is at most `step`. A line without an end
/// was cut when its process was killed; it goes too. A line without a number, such as a heading, stays.
inline void keep_lines_up_to(const std::filesystem::path& path, std::string_view before, std::int64_t step) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) || std::filesystem::file_size(path, error) == 0) return;
  const std::string contents = read_text(path);
  std::size_t keep = 0;
  for (std::size_t end; (end = contents.find('\n', keep)) != std::string::npos; keep = end + 1) {
    const std::string_view line(contents.data() + keep, end - keep);
    std::int64_t number = 0;
    if (line.starts_with(before) && std::from_chars(line.data() + before.size(), line.data() + line.size(), number).ec == std::errc() && number > step) break;
  }
  AppendFile(path).truncate(static_cast<std::int64_t>(keep));
}

}  // namespace detail

/// The logs of a run in its folder: log.csv and log.jsonl. A resumed run continues them after `done` steps; what a killed process wrote beyond
/// its last checkpoint is cut off, so that every step appears once.
class TrainingLog {
 public:
  TrainingLog(const std::filesystem::path& folder, std::int64_t done) : csv_(shortened(folder / "log.csv", "", done)), lines_(shortened(folder / "log.jsonl", "{\"step\":", done)) {
    if (csv_.size() > 0) return;
    std::string heading;
    for_each_value(StepRecord{}, [&](std::string_view name, const auto&) { heading += (heading.empty() ? "" : ",") + std::string(name); });
    csv_.append(heading + "\n");
  }

  void write(const StepRecord& record) {
    line_.clear(), json_.clear();
    json_.begin_object();
    for_each_value(record, [&](std::string_view name, const auto& value) {
      if (!line_.empty()) line_ += ',';
      arvit::detail::append(line_, value);
      json_.member(name, value);
    });
    json_.end_object();
    csv_.append(line_ += '\n');
    line_ = json_.text();
    lines_.append(line_ += '\n');
  }
  /// Makes what is written survive a power cut.
  void synchronise() { csv_.synchronise(), lines_.synchronise(); }

 private:
  static std::filesystem::path shortened(const std::filesystem::path& path, std::string_view before, std::int64_t done) {
    detail::keep_lines_up_to(path, before, done);
    return path;
  }
  AppendFile csv_, lines_;
  std::string line_;
  JsonWriter json_;
};

}  // namespace arvit
