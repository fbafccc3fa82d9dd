// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>

/// Calls of malloc and its relatives by the whole process, all threads and libraries; allocation_count.cpp replaces those functions.
/// Under the address or thread sanitizer, which replace them as well, nothing is counted.
namespace test {
extern std::atomic<long> allocation_count;
extern const bool allocations_are_counted;
}  // namespace test
