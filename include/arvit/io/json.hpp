// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"

/// Reads and writes JSON. The only header that sees the JSON library, which costs seconds in every
/// file that includes it; where the form is known, json_reader.hpp and json_writer.hpp do without.
namespace arvit {

using Json = nlohmann::json;

/// Parses `text`, the contents of `name`. Stricter than the format where that hides errors: a name
/// that occurs twice in one object and nesting deeper than 64 are refused.
inline Json parse_json(std::string_view text, std::string_view name) {
  std::vector<std::set<std::string>> names;  // of the objects that enclose the current place
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > 64)
      fail<FileError>(name, ": its JSON is nested deeper than 64 levels; write it flatter.");
    if (event == Event::object_start)
      names.emplace_back();
    else if (event == Event::object_end)
      names.pop_back();
    else if (event == Event::key && !names.back().insert(parsed.get<std::string>()).second)
      fail<FileError>(name, ": its JSON holds the name ", parsed.dump(),
                      " twice in one object; remove one.");
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::parse_error& error) {
    const auto place = text.substr(0, std::min(text.size(), error.byte > 0 ? error.byte - 1 : 0));
    const auto line = 1 + std::count(place.begin(), place.end(), '\n');
    const auto column = place.size() - (place.rfind('\n') + 1) + 1;  // npos + 1 is 0
    fail<FileError>(name, ": is not valid JSON at line ", line, ", column ", column,
                    error.byte > text.size() ? ", where it ends too early" : "",
                    "; correct it or write it again.");
  } catch (const Json::exception&) {
    fail<FileError>(
        name, ": its JSON holds a number that no double can hold; correct it or write it again.");
  }
}

inline Json read_json(const std::filesystem::path& path) {
  return parse_json(read_text(path), path.string());
}

/// Indented by two spaces, atomically. A byte that is not UTF-8 becomes U+FFFD.
inline void write_json(const std::filesystem::path& path, const Json& value) {
  write_atomically(path, value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace arvit
