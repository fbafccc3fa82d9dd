// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/io/append_file.hpp"
#include "arvit/io/step_log.hpp"

namespace arvit {

/// A table with one row per step (RFC 4180, lines end with "\n"): the header once, then
/// "step,value,value,...". Values keep their shortest exact form, also "nan" and "inf". Each row
/// reaches the system at once.
class CsvLog {
 public:
  /// Continues the file before `first_step`: later rows are removed; 0 begins anew. A file with
  /// other columns throws FileError.
  CsvLog(const std::filesystem::path& path, std::span<const std::string> columns,
         std::int64_t first_step = 0)
      : columns_(columns.size()),
        file_(detail::open_step_log(path, header(columns), first_step, step_of, &last_step_)) {}

  void row(std::int64_t step, std::span<const double> values) {
    if (values.size() != columns_)
      fail<ShapeError>(file_.path().string(), ": a row of ", values.size(), " values for ",
                       columns_, " columns; each column needs one.");
    line_.clear();
    detail::Word(step).append_to(line_);
    for (const double value : values) detail::Word(value).append_to(line_ += ',');
    file_.append(line_ += '\n');
  }
  void flush() { file_.synchronise(); }
  /// Of the rows that were there when it was opened; 0 for none.
  std::int64_t last_step() const { return last_step_; }

 private:
  static std::string header(std::span<const std::string> columns) {
    std::string line = "step";
    for (const std::string& column : columns) {
      line += ',';
      if (column.find_first_of(",\"\r\n") == std::string::npos) {
        line += column;
        continue;
      }
      line += '"';
      for (const char c : column) line.append(c == '"' ? 2 : 1, c);
      line += '"';
    }
    return line + '\n';
  }
  static std::optional<std::int64_t> step_of(std::string_view line) {
    std::int64_t step = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), step);
    const bool whole = error == std::errc() && (end == line.data() + line.size() || *end == ',');
    return whole ? std::optional(step) : std::nullopt;
  }

  std::size_t columns_;
  std::int64_t last_step_ = 0;
  AppendFile file_;
  std::string line_;
};

}  // namespace arvit
