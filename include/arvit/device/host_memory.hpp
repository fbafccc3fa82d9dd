// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "arvit/core/error.hpp"

namespace arvit {

/// Host memory aligned to 64 bytes, zeroed; large pieces on large pages where the system gives
/// them: rows and panels of a step touch thousands of small ones. Devices on the host take their
/// memory here.
struct HostMemory {
  static std::byte* allocate(std::int64_t bytes) {
    constexpr std::int64_t page = 2 << 20;
    const bool large = bytes >= page / 4;
    const std::int64_t unit = large ? page : 64, whole = (bytes + unit - 1) / unit * unit;
    auto* memory = static_cast<std::byte*>(
        std::aligned_alloc(static_cast<std::size_t>(unit), static_cast<std::size_t>(whole)));
    if (memory == nullptr)
      fail("memory: ", bytes, " bytes could not be reserved; use a smaller batch or model.");
#if defined(__linux__)
    if (large)
      madvise(memory, static_cast<std::size_t>(whole), MADV_HUGEPAGE);  // failure only costs speed
#endif
    std::memset(memory, 0, static_cast<std::size_t>(bytes));
    return memory;
  }
  static void deallocate(std::byte* memory) noexcept { std::free(memory); }
};

}  // namespace arvit
