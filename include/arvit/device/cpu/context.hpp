// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "arvit/device/cpu/pool.hpp"
#include "arvit/device/cpu/simd.hpp"
#include "arvit/device/host_memory.hpp"

namespace arvit::cpu {

/// Memory that grows to the largest request and then stays: a step that was seen once allocates
/// nothing.
class Scratch {
 public:
  void reserve(std::int64_t floats) {
    if (floats <= capacity_) return;
    capacity_ = 0;
    memory_.reset();
    memory_.reset(HostMemory::allocate(floats * std::int64_t{sizeof(float)}));
    capacity_ = floats;
  }
  float* data() const { return reinterpret_cast<float*>(memory_.get()); }
  std::int64_t bytes() const { return capacity_ * std::int64_t{sizeof(float)}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { HostMemory::deallocate(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::int64_t capacity_ = 0;
};

/// What every kernel needs: threads, instruction set, scratch that the caller shares with its
/// workers, scratch of each worker.
struct Context {
  Pool pool;
  Isa isa;
  Scratch shared;
  std::vector<Scratch> own;

  explicit Context(int threads, Isa instructions)
      : pool(threads), isa(instructions), own(pool.threads()) {}

  float* reserve_shared(std::int64_t floats) {
    shared.reserve(floats);
    return shared.data();
  }
  void reserve_own(std::int64_t floats) {
    for (Scratch& scratch : own) scratch.reserve(floats);
  }
  float* scratch(int worker) const { return own[worker].data(); }
  std::int64_t scratch_bytes() const {
    std::int64_t sum = shared.bytes();
    for (const Scratch& scratch : own) sum += scratch.bytes();
    return sum;
  }
  /// Enters Body::run<instruction set>(args..., index, worker's scratch) once per task.
  template <class Body, class... Args> void each(std::int64_t tasks, Args... args) {
    pool.run(tasks, [&](std::int64_t index, int worker) {
      dispatch<Body>(isa, args..., index, scratch(worker));
    });
  }
};

constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}
constexpr std::int64_t blocks_of(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit;
}

}  // namespace arvit::cpu
