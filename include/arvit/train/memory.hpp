// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/train/step.hpp"

namespace arvit {

/// A line of /proc/self/status such as "VmRSS" (resident now) or "VmHWM" (the most that was ever
/// resident), in bytes; 0 where there is no such file.
std::int64_t process_bytes(std::string_view field);
/// From here on "VmHWM" counts anew; false where the system does not offer that.
bool forget_peak();
/// Gives memory that was freed back to the system, so that it does not hide what is taken next.
void return_freed_memory();

/// What a run will hold in memory, by kind.
struct MemoryTable {
  struct Line {
    std::string what;
    std::int64_t bytes;
  };
  std::vector<Line> lines;

  void add(std::string what, std::int64_t bytes);
  void add(const MemoryPlan& plan, int micro_batch);
  std::int64_t total() const;
  void print(std::ostream& stream) const;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/memory.ipp"
#endif
