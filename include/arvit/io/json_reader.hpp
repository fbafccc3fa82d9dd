// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/io/utf8.hpp"

namespace arvit {

/// Walks through JSON (RFC 8259) whose form is known, value by value, without building it in
/// memory. Refuses a name that occurs twice in one object and nesting deeper than 64. FileError
/// says what was expected where.
class JsonReader {
 public:
  /// `text` must outlive the reader; `name` says in messages what is read.
  JsonReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  /// Calls member(name) for each member; it must consume the value.
  template <class Member> void object(Member&& member) {
    std::set<std::string> names;
    enclosed('{', '}', [&] {
      std::string key = string();
      if (!names.insert(key).second)
        fail<FileError>(name_, ": its JSON holds the name \"", key,
                        "\" twice in one object; remove one.");
      expect(':', "':'");
      member(std::as_const(key));
    });
  }
  /// Calls element() for each element; it must consume the value.
  template <class Element> void array(Element&& element) { enclosed('[', ']', element); }

  std::string string() {
    expect('"', "a string");
    std::string result;
    while (!take('"')) {
      if (take('\\')) {
        escape(result);
        continue;
      }
      const std::size_t length = detail::utf8_length(text_.substr(next_));
      if (next_ == text_.size() || length == 0 || static_cast<unsigned char>(text_[next_]) < 0x20)
        fail_here("a character of UTF-8 or '\"'");
      result += text_.substr(next_, length);
      next_ += length;
    }
    return result;
  }

  /// A whole number from 0 to 2^63 - 1; nothing when the number is another.
  std::optional<std::int64_t> whole_number() {
    const std::string_view digits = number();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-')
      return std::nullopt;
    return value;
  }

  /// Any value.
  void skip() {
    switch (peek()) {
      case '{':
        return object([this](const std::string&) { skip(); });
      case '[':
        return array([this] { skip(); });
      case '"':
        return static_cast<void>(string());
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        number();
    }
  }

  /// Any value, as the text says it; views that text.
  std::string_view raw() {
    peek();
    const std::size_t begin = next_;
    skip();
    return text_.substr(begin, next_ - begin);
  }

  /// The character with which the next value begins; '\0' at the end.
  char peek() {
    next_ = std::min(text_.find_first_not_of(" \t\n\r", next_), text_.size());
    return next_ < text_.size() ? text_[next_] : '\0';
  }
  /// Nothing but blanks may follow.
  void end() {
    if (peek() != '\0' || next_ != text_.size()) fail_here("the end");
  }

 private:
  /// Takes `c` when it is the next character.
  bool take(char c) {
    const bool found = next_ < text_.size() && text_[next_] == c;
    next_ += found ? 1 : 0;
    return found;
  }
  void expect(char c, std::string_view what) {
    peek();
    if (!take(c)) fail_here(what);
  }
  void word(std::string_view expected) {
    if (text_.substr(next_, expected.size()) != expected) fail_here(expected);
    next_ += expected.size();
  }
  template <class Item> void enclosed(char open, char close, Item&& item) {
    expect(open, std::string_view(&open, 1));
    if (++depth_ > 64)
      fail<FileError>(name_, ": its JSON is nested deeper than 64 levels; write it flatter.");
    if (peek() != close) {
      do item();
      while (peek() == ',' && take(','));
    }
    expect(close, close == '}' ? "',' or '}'" : "',' or ']'");
    --depth_;
  }
  std::string_view number() {
    peek();
    const std::size_t begin = next_;
    const auto digits = [this] {
      const std::size_t first = next_;
      while (next_ < text_.size() && '0' <= text_[next_] && text_[next_] <= '9') ++next_;
      if (next_ == first) fail_here("a digit");
    };
    take('-');
    if (next_ == text_.size() || text_[next_] < '0' || text_[next_] > '9') fail_here("a value");
    if (!take('0')) digits();
    if (take('.')) digits();
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      digits();
    }
    return text_.substr(begin, next_ - begin);
  }
  void escape(std::string& result) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (take('u')) {
      unsigned code = hexadecimal();
      if (0xD800 <= code && code <= 0xDBFF && take('\\') && take('u')) {
        const unsigned low = hexadecimal();
        if (low < 0xDC00 || low > 0xDFFF)
          fail_here("the second half of a surrogate pair before this");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
      if (0xD800 <= code && code <= 0xDFFF) fail_here("the other half of a surrogate pair");
      return detail::append_utf8(result, code);
    }
    const auto place = next_ < text_.size() ? letters.find(text_[next_]) : std::string_view::npos;
    if (place == std::string_view::npos) fail_here("one of \"\\/bfnrtu");
    result += meanings[place];
    ++next_;
  }
  unsigned hexadecimal() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(next_, 4);
    if (digits.size() != 4 ||
        std::from_chars(digits.data(), digits.data() + 4, code, 16).ptr != digits.data() + 4)
      fail_here("four hexadecimal digits");
    next_ += 4;
    return code;
  }
  [[noreturn]] void fail_here(std::string_view expected) const {
    const std::string_view before = text_.substr(0, next_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    fail<FileError>(name_, ": is not the JSON that it should be: at line ", line, ", column ",
                    column, next_ == text_.size() ? ", where it ends, " : " ", expected,
                    " was expected; correct it or write it again.");
  }

  std::string_view text_;
  std::string name_;
  std::size_t next_ = 0;
  int depth_ = 0;
};

}  // namespace arvit
