// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "arvit/core/error.hpp"
#include "arvit/io/append_file.hpp"

namespace arvit::detail {

/// Opens a log of one line per step, in rising order, and cuts off what a resumed run will write
/// again: everything from the first line whose step is `first_step` or later, and a last line that
/// a power cut left without its end.
///
/// `head`     the first line of the file, with its newline, or "" when it has none; another head
///            throws FileError
/// `step_of`  the step of a line, or nothing when it is no line of this log: FileError, for it
///            would lose a stranger's file
/// `last`     becomes the step of the last line that stays, if one does
template <class StepOf>
AppendFile open_step_log(const std::filesystem::path& path, std::string_view head,
                         std::int64_t first_step, StepOf&& step_of, std::int64_t* last = nullptr) {
  std::error_code error;
  const bool begun = std::filesystem::exists(path, error) &&
                     std::filesystem::file_size(path, error) > 0;
  const std::string contents = begun ? read_text(path) : std::string();
  AppendFile file(path);
  if (std::string_view(contents).starts_with(head) && begun) {
    std::size_t begin = head.size();
    for (std::int64_t line = 1 + (head.empty() ? 0 : 1);; ++line) {
      const std::size_t end = contents.find('\n', begin);
      if (end == std::string::npos) break;
      const std::optional<std::int64_t> step = step_of(
          std::string_view(contents).substr(begin, end - begin));
      if (!step)
        fail<FileError>(path.string(), ": line ", line,
                        " is none of this log; move the file away or choose another name.");
      if (*step >= first_step) break;
      if (last != nullptr) *last = *step;
      begin = end + 1;
    }
    if (begin < contents.size()) file.truncate(static_cast<std::int64_t>(begin));
    return file;
  }
  // A head that was cut by a power cut counts as none.
  if (!head.starts_with(contents))
    fail<FileError>(path.string(),
                    ": does not begin with the columns of this log; move the file away or choose "
                    "another name.");
  file.truncate(0);
  file.append(head);
  return file;
}

}  // namespace arvit::detail
