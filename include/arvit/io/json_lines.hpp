// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "arvit/io/append_file.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/step_log.hpp"

namespace arvit {

/// One JSON object per line and step, whose first member is "step". Each line reaches the system at
/// once.
class JsonLinesLog {
 public:
  /// Continues the file before `first_step`: later lines are removed; 0 begins anew. Another kind
  /// of file throws FileError.
  explicit JsonLinesLog(const std::filesystem::path& path, std::int64_t first_step = 0)
      : file_(detail::open_step_log(path, "", first_step, step_of)) {}

  /// fill(JsonWriter&) adds the members of the line.
  template <std::invocable<JsonWriter&> Fill> void line(std::int64_t step, Fill&& fill) {
    json_.clear();
    json_.begin_object().member("step", step);
    std::invoke(std::forward<Fill>(fill), json_);
    file_.append(json_.end_object().text() + '\n');
  }
  void flush() { file_.synchronise(); }

 private:
  static std::optional<std::int64_t> step_of(std::string_view line) {
    constexpr std::string_view begin = "{\"step\":";
    if (!line.starts_with(begin) || !line.ends_with('}')) return std::nullopt;
    std::int64_t step = 0;
    const auto [end, error] = std::from_chars(line.data() + begin.size(), line.data() + line.size(),
                                              step);
    return error == std::errc() && (*end == ',' || *end == '}') ? std::optional(step)
                                                                : std::nullopt;
  }

  AppendFile file_;
  JsonWriter json_;
};

}  // namespace arvit
