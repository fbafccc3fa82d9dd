// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "arvit/core/error.hpp"

/// Writes JSON without a JSON library, for what is written often: lines of a log, headers.
namespace arvit {

namespace detail {

/// Length of the UTF-8 character at the start of `text` (RFC 3629), or 0 when there is none.
constexpr std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) { return low <= byte(i) && byte(i) <= high; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (0xC2 <= lead && lead <= 0xDF) return follows(1) ? 2 : 0;
  // The bounds of the second byte shut out overlong forms, surrogates and what lies beyond U+10FFFF.
  if (0xE0 <= lead && lead <= 0xEF) return follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  if (0xF0 <= lead && lead <= 0xF4)
    return follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

/// Appends `value` as a JSON string; a byte that is not UTF-8 (a file's name may hold any) becomes U+FFFD.
inline void append_json_string(std::string& text, std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  text += '"';
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const char c = value.front();
    if (length == 0) text += "\\ufffd";
    else if (c == '"' || c == '\\') (text += '\\') += c;
    else if (c == '\n') text += "\\n";
    else if (c == '\t') text += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20) ((text += "\\u00") += digits[static_cast<std::size_t>(c) >> 4]) += digits[c & 15];
    else text += value.substr(0, length);
    value.remove_prefix(length == 0 ? 1 : length);
  }
  text += '"';
}

}  // namespace detail

/// Builds one JSON value from begin_*, end_*, key and value, which the caller nests as JSON does; commas come by themselves.
/// Numbers keep their shortest exact form; JSON has no NaN and no infinity, these become null.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    separate();
    detail::append_json_string(text_, name);
    text_ += ':';
    comma_ = false;
    return *this;
  }
  /// A bool, number, string, nullptr, or a range of these.
  template <class T>
  JsonWriter& value(const T& value) {
    if constexpr (std::same_as<T, std::nullptr_t>) {  // first: it converts to a string, too
      separate();
      text_ += "null";
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      separate();
      detail::append_json_string(text_, value);
    } else if constexpr (std::ranges::input_range<const T>) {
      begin_array();
      for (const auto& element : value) this->value(element);
      end_array();
    } else if constexpr (std::floating_point<T>) {
      if (!std::isfinite(value)) return this->value(nullptr);
      separate();
      detail::append(text_, value);
    } else {
      separate();
      detail::append(text_, value);
    }
    comma_ = true;
    return *this;
  }
  template <class T>
  JsonWriter& member(std::string_view name, const T& value) {
    return key(name).value(value);
  }

  const std::string& text() const { return text_; }
  std::string take() { return comma_ = false, std::exchange(text_, {}); }
  /// Begins a new value; keeps the memory.
  void clear() { text_.clear(), comma_ = false; }

 private:
  void separate() {
    if (comma_) text_ += ',';
  }
  JsonWriter& open(char bracket) {
    separate();
    text_ += bracket;
    comma_ = false;
    return *this;
  }
  JsonWriter& close(char bracket) {
    text_ += bracket;
    comma_ = true;
    return *this;
  }

  std::string text_;
  bool comma_ = false;  ///< whether a further element needs a comma before it
};

}  // namespace arvit
