// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Errors: what a caller can catch, and the words of every message.
/// A message is one sentence: the thing, its value, what was expected, what to do.
namespace arvit {

/// Base of every error that this library reports on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error { using Error::Error; };    ///< extents that do not fit each other
struct FileError : Error { using Error::Error; };     ///< a file that is missing, cut, or not what it should be
struct OptionError : Error { using Error::Error; };   ///< a run-time option outside its range
struct NumericError : Error { using Error::Error; };  ///< a value that is not finite

namespace detail {
inline void append(std::string& text, std::string_view part) { text += part; }
inline void append(std::string& text, char part) { text += part; }
inline void append(std::string& text, std::same_as<bool> auto part) { text += part ? "true" : "false"; }
template <class Number>
  requires((std::integral<Number> && !std::same_as<Number, bool>) || std::floating_point<Number>)
void append(std::string& text, Number part) {
  std::array<char, 48> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), part).ptr;
  text.append(digits.data(), end);
}
}  // namespace detail

/// Concatenates text and numbers; numbers are printed in their shortest exact form.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string result;
  (detail::append(result, parts), ...);
  return result;
}

/// Throws `E` with the concatenation of `parts` as its message.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw E(text(parts...));
}

/// Prints an extent list as "[3072, 768]".
template <class Extents>
std::string shape_text(const Extents& extents) {
  std::string result = "[";
  for (const auto extent : extents) {
    if (result.size() > 1) result += ", ";
    detail::append(result, extent);
  }
  return result + "]";
}

/// The known name that is nearest to `name` by edit distance, or "" when none is near (more than half of it differs).
inline std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const std::string& candidate : known) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t substitute = diagonal + (name[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = candidate;
  }
  return best;
}

/// Throws OptionError for an unknown name: says the known ones and suggests the nearest.
[[noreturn]] inline void fail_unknown_name(std::string_view what, std::string_view name, std::span<const std::string> known) {
  std::string list;
  for (const std::string& candidate : known) list += (list.empty() ? "" : ", ") + candidate;
  const std::string nearest = nearest_name(name, known);
  fail<OptionError>(what, " '", name, "' is not known", nearest.empty() ? "" : text("; did you mean '", nearest, "'?"),
                    nearest.empty() ? "; " : " ", "Known: ", list, ".");
}

}  // namespace arvit
