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
#include "arvit/io/utf8.hpp"

/// Writes JSON without a JSON library, for what is written often: lines of a log, headers.
namespace arvit {

namespace detail {

/// Appends `value` as a JSON string; a byte that is not UTF-8 (a file's name may hold any) becomes
/// U+FFFD.
inline void append_json_string(std::string& text, std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  text += '"';
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const char c = value.front();
    if (length == 0)
      text += "\\ufffd";
    else if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20)
      text += {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    else
      text += value.substr(0, length);
    value.remove_prefix(length == 0 ? 1 : length);
  }
  text += '"';
}

}  // namespace detail

/// Builds one JSON value from begin_*, end_*, key and value, which the caller nests as JSON does;
/// commas come by themselves. Numbers keep their shortest exact form; JSON has no NaN and no
/// infinity, these become null.
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
  template <class T> JsonWriter& value(const T& value) {
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
      detail::Word(value).append_to(text_);
    } else {
      separate();
      detail::Word(value).append_to(text_);
    }
    comma_ = true;
    return *this;
  }
  template <class T> JsonWriter& member(std::string_view name, const T& value) {
    return key(name).value(value);
  }

  const std::string& text() const { return text_; }
  std::string take() {
    comma_ = false;
    return std::exchange(text_, {});
  }
  /// Begins a new value; keeps the memory.
  void clear() {
    text_.clear();
    comma_ = false;
  }

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
