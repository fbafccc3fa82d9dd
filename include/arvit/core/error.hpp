// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <initializer_list>
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
/// Extents that do not fit each other.
struct ShapeError : Error {
  using Error::Error;
};
/// A file that is missing, cut, or not what it should be.
struct FileError : Error {
  using Error::Error;
};
/// A file whose bytes are no longer those that were written.
struct DamagedFile : FileError {
  using FileError::FileError;
};
/// The machine failed at a file (a disk or network, too many open files), which says nothing of the
/// file: it may succeed when it is tried again.
struct MachineError : Error {
  using Error::Error;
};
/// A run-time option outside its range.
struct OptionError : Error {
  using Error::Error;
};
/// A value that is not finite.
struct NumericError : Error {
  using Error::Error;
};

namespace detail {
/// A word of a message: text, or a number that is printed in its shortest exact form. Views its
/// text.
class Word {
 public:
  template <class T> constexpr Word(const T& value) {
    if constexpr (std::same_as<T, char>) {
      kind_ = Kind::character;
      character_ = value;
    } else if constexpr (std::same_as<T, bool>) {
      kind_ = Kind::text;
      text_ = value ? "true" : "false";
    } else if constexpr (std::same_as<T, float>) {
      kind_ = Kind::single;
      single_ = value;
    } else if constexpr (std::floating_point<T>) {
      kind_ = Kind::real;
      real_ = static_cast<double>(value);
    } else if constexpr (std::unsigned_integral<T>) {
      kind_ = Kind::natural;
      natural_ = value;
    } else if constexpr (std::integral<T>) {
      kind_ = Kind::whole;
      whole_ = value;
    } else {
      kind_ = Kind::text;
      text_ = std::string_view(value);
    }
  }
  void append_to(std::string& result) const {
    std::array<char, 32> digits{};
    const auto print = [&](auto number) {
      result.append(digits.data(),
                    std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    };
    switch (kind_) {
      case Kind::text:
        result += text_;
        return;
      case Kind::character:
        result += character_;
        return;
      case Kind::whole:
        return print(whole_);
      case Kind::natural:
        return print(natural_);
      case Kind::single:
        return print(single_);
      case Kind::real:
        return print(real_);
    }
  }

 private:
  enum class Kind : char { text, character, whole, natural, single, real } kind_;
  union {
    std::string_view text_{};
    char character_;
    std::int64_t whole_;
    std::uint64_t natural_;
    float single_;
    double real_;
  };
};

inline std::string join(std::span<const Word> words) {
  std::string result;
  for (const Word& word : words) word.append_to(result);
  return result;
}
template <class E> [[noreturn]] void throw_joined(std::span<const Word> words) {
  throw E(join(words));
}
}  // namespace detail

/// Concatenates text and numbers; numbers are printed in their shortest exact form.
template <class... Parts> std::string text(const Parts&... parts) {
  return detail::join(std::array<detail::Word, sizeof...(parts)>{detail::Word(parts)...});
}

/// Throws `E` with the concatenation of `parts` as its message. Inline: every sentence has a
/// signature of its own, and only lists its words.
template <class E = Error, class... Parts>
[[noreturn, gnu::always_inline]] inline void fail(const Parts&... parts) {
  detail::throw_joined<E>(std::array<detail::Word, sizeof...(parts)>{detail::Word(parts)...});
}

/// Prints an extent list as "[3072, 768]".
template <class Extents> std::string shape_text(const Extents& extents) {
  std::string result = "[";
  for (const auto extent : extents) {
    if (result.size() > 1) result += ", ";
    detail::Word(extent).append_to(result);
  }
  return result + "]";
}

/// The known name that is nearest to `name` by edit distance (Levenshtein 1966), or "" when none is
/// near (more than half of it differs).
inline std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const std::string& candidate : known) {
    // row[j]: the distance between the first i letters of `name` and the first j of the candidate.
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
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

/// Throws OptionError for an unknown name: says the known ones and suggests the nearest.
[[noreturn]] inline void fail_unknown_name(std::string_view what, std::string_view name,
                                           std::span<const std::string> known) {
  std::string list;
  for (const std::string& candidate : known) list += (list.empty() ? "" : ", ") + candidate;
  const std::string nearest = nearest_name(name, known);
  fail<OptionError>(what, " '", name, "' is not known",
                    nearest.empty() ? "" : text("; did you mean '", nearest, "'?"),
                    nearest.empty() ? ". " : " ", "Known: ", list, ".");
}

/// The place of `name` among the known ones, to make an enumerator of; OptionError when it is none.
inline std::size_t place_of_name(std::string_view what, std::string_view name,
                                 std::initializer_list<std::string> known) {
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known.begin()[i] == name) return i;
  fail_unknown_name(what, name, known);
}

}  // namespace arvit
