// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace arvit {

/// A short string that may stand among template arguments.
struct Name {
  std::array<char, 64> text{};
  std::size_t size = 0;
  constexpr Name() = default;
  constexpr Name(const std::array<char, 64>& of, std::size_t count)
      : text(of), size(count) {}  // as nvcc writes a template argument
  constexpr Name(const char* literal) {
    for (const char c : std::string_view(literal)) text[size++] = c;
  }
  constexpr std::string_view view() const { return {text.data(), size}; }
};

}  // namespace arvit
