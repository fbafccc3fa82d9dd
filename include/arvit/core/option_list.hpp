// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "arvit/core/error.hpp"

/// Run-time options. A group of them is a struct beside its owner, which lists them once, in
/// `static void list(group, visit)`: visit(OptionInfo, value) for each. Command lines, checkpoints
/// and comparisons walk these lists.
namespace arvit {

/// One option: its name, the heading it stands under, its sentence in --help, and whether another
/// value gives other parameters.
struct OptionInfo {
  std::string_view name, group, help;
  bool changes_result = true;
};

/// An enum whose enumerators have names: names_of(E{}) is an array of them, in their order.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires {
  names_of(E{}).size();
};
template <NamedEnum E> std::string_view name_of(E value) {
  return names_of(value)[static_cast<std::size_t>(value)];
}
/// OptionError for a name of none; `what` it should be.
template <NamedEnum E> E enum_from(std::string_view what, std::string_view name) {
  std::vector<std::string> known;
  for (const std::string_view one : names_of(E{})) {
    if (one == name) return static_cast<E>(known.size());
    known.emplace_back(one);
  }
  fail_unknown_name(what, name, known);
}

/// A std::optional is an option with a default that follows from others; as text it is 0.
template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

/// Refuses values outside their ranges, each with one sentence. `mark` stands before the names of
/// options in it: "--" where they are spoken of as flags.
class OptionCheck {
 public:
  explicit OptionCheck(std::string_view mark = {}) : mark_(mark) {}

  std::string name(std::string_view option) const { return text(mark_, option); }

  void at_least(std::string_view option, double value, double least) const {
    if (!(value >= least) || !std::isfinite(value))
      fail<OptionError>(mark_, option, " is ", value, "; it must be a number of at least ", least,
                        ".");
  }
  void above_zero(std::string_view option, double value) const {
    if (!(value > 0) || !std::isfinite(value))
      fail<OptionError>(mark_, option, " is ", value, "; it must be a number above 0.");
  }
  template <class T> void above_zero(std::string_view option, const std::optional<T>& value) const {
    if (value) above_zero(option, static_cast<double>(*value));
  }
  void below_one(std::string_view option, double value) const {
    if (!(value >= 0 && value < 1))
      fail<OptionError>(mark_, option, " is ", value, "; it must be at least 0 and below 1.");
  }

 private:
  std::string_view mark_;
};

}  // namespace arvit
