// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "arvit/core/option_list.hpp"
#include "arvit/io/json_writer.hpp"

namespace arvit {

/// One option of a run, as its checkpoints keep it and as a run that is resumed is compared.
struct StoredOption {
  std::string name;
  std::string value;         ///< as JSON
  std::string if_not_there;  ///< what a file has that was written before there was this option
  bool changes_result = true;
};

/// An option's value as JSON: an enumerator by its name, an optional without a value as 0.
template <class T> std::string option_json(const T& value) {
  if constexpr (is_optional<T>)
    return option_json(value.value_or(typename T::value_type{}));
  else if constexpr (std::is_enum_v<T>)
    return option_json(name_of(value));
  else
    return JsonWriter().value(value).take();
}

/// All options of a group that lists its own.
template <class Options> std::vector<StoredOption> stored_options(const Options& options) {
  std::vector<StoredOption> all;
  Options::list(options, [&](const OptionInfo& info, const auto& value) {
    all.push_back({std::string(info.name), option_json(value), {}, info.changes_result});
  });
  auto next = all.begin();
  const Options defaults{};
  Options::list(defaults, [&](const OptionInfo&, const auto& value) {
    (next++)->if_not_there = option_json(value);
  });
  return all;
}

}  // namespace arvit
