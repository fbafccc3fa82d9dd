// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "arvit/core/error.hpp"
#include "arvit/core/rows.hpp"

namespace arvit {

/// Hands out pieces of one allocation, each aligned to 64 bytes, in the manner of a stack.
/// Without memory it only measures (its pieces are null), also in constant expressions; so the code
/// that binds the views of a step is at the same time the plan of that step's memory.
class Arena {
 public:
  static constexpr std::int64_t alignment = 64;

  constexpr Arena() = default;
  constexpr Arena(std::byte* base, std::int64_t capacity) : base_(base), capacity_(capacity) {}

  template <class T> constexpr T* take(std::int64_t count) {
    const std::int64_t begin = used_;
    used_ += (count * static_cast<std::int64_t>(sizeof(T)) + alignment - 1) / alignment * alignment;
    peak_ = std::max(peak_, used_);
    ++pieces_;
    if (base_ == nullptr) return nullptr;
    if (used_ > capacity_)
      fail("arena: ", used_, " bytes are needed, the plan reserved ", capacity_,
           "; plan with the largest batch of the run.");
    return reinterpret_cast<T*>(base_ + begin);
  }
  template <class T, class Space> constexpr Span<T, Space> span(std::int64_t size) {
    return {take<T>(size), size};
  }
  template <class T, class Space>
  constexpr Matrix<T, Space> matrix(std::int64_t rows, std::int64_t columns) {
    return {take<T>(rows * columns), rows, columns};
  }
  template <class T, int Dim, class Space> constexpr Rows<T, Dim, Space> rows(std::int64_t rows) {
    return {take<T>(rows * Dim), rows};
  }

  constexpr std::int64_t used() const { return used_; }
  constexpr std::int64_t peak() const { return peak_; }
  constexpr std::int64_t pieces() const { return pieces_; }  ///< that were ever taken
  /// Gives back all that was taken after `mark` (an earlier value of used()).
  constexpr void release(std::int64_t mark) { used_ = mark; }

 private:
  std::byte* base_ = nullptr;
  std::int64_t capacity_ = 0, used_ = 0, peak_ = 0, pieces_ = 0;
};

/// Gives back, at the end of a scope, what was taken inside it.
class ArenaScope {
 public:
  constexpr explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.used()) {}
  constexpr ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  std::int64_t mark_;
};

}  // namespace arvit
