// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "arvit/device/cpu/pool.hpp"
#include "arvit/device/cpu/simd.hpp"

namespace arvit::cpu {

/// Memory that grows to the largest request and then stays: a step that was seen once allocates nothing.
class Scratch {
 public:
  void reserve(std::int64_t floats) {
    if (floats <= capacity_) return;
    const bool large = floats >= page / 4;
    const std::int64_t unit = large ? page : 4096;
    const std::int64_t bytes = (floats * std::int64_t{sizeof(float)} + unit - 1) / unit * unit;
    memory_.reset();
    memory_.reset(static_cast<float*>(std::aligned_alloc(static_cast<std::size_t>(unit), static_cast<std::size_t>(bytes))));
    if (memory_ == nullptr) capacity_ = 0, throw std::bad_alloc();
#if defined(__linux__)
    if (large) madvise(memory_.get(), static_cast<std::size_t>(bytes), MADV_HUGEPAGE);  // packed panels touch many pages; failure only costs speed
#endif
    __builtin_memset(memory_.get(), 0, static_cast<std::size_t>(bytes));
    capacity_ = bytes / std::int64_t{sizeof(float)};
  }
  float* data() const { return memory_.get(); }
  std::int64_t bytes() const { return capacity_ * std::int64_t{sizeof(float)}; }

 private:
  static constexpr std::int64_t page = 2 << 20;
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  std::int64_t capacity_ = 0;
};

/// What every kernel needs: threads, instruction set, scratch that the caller shares with its workers, scratch of each worker.
struct Context {
  Pool pool;
  Isa isa;
  Scratch shared;
  std::vector<Scratch> own;

  explicit Context(int threads, Isa instructions) : pool(threads), isa(instructions), own(static_cast<std::size_t>(pool.threads())) {}

  float* reserve_shared(std::int64_t floats) {
    shared.reserve(floats);
    return shared.data();
  }
  void reserve_own(std::int64_t floats) {
    for (Scratch& scratch : own) scratch.reserve(floats);
  }
  float* scratch(int worker) const { return own[static_cast<std::size_t>(worker)].data(); }
  std::int64_t scratch_bytes() const {
    std::int64_t sum = shared.bytes();
    for (const Scratch& scratch : own) sum += scratch.bytes();
    return sum;
  }
  /// Enters Body::run<instruction set>(args..., index, worker's scratch) once per task.
  template <class Body, class... Args>
  void each(std::int64_t tasks, Args... args) {
    pool.run(tasks, [&](std::int64_t index, int worker) { dispatch<Body>(isa, args..., index, scratch(worker)); });
  }
};

constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit * unit; }
constexpr std::int64_t blocks_of(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit; }

}  // namespace arvit::cpu
