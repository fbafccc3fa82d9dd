// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit::cpu {

/// Runs `task(index, worker)` for every index of a range on a fixed set of threads; the caller is
/// worker 0.
///
/// Who runs a task is decided by an atomic counter, so a task must not depend on its worker except
/// for scratch memory: work is divided by shapes alone, and results have the same bits for every
/// number of threads. One caller at a time; a task must not call run() of its own pool. Nothing is
/// allocated by run().
class Pool {
 public:
  /// `threads` = 0: one per processor.
  explicit Pool(int threads = 0) {
    if (threads < 0 || threads > 4096)
      fail<OptionError>("threads: ", threads,
                        " is not a number of threads; use 0 (one per processor) to 4096.");
    const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const int count = threads == 0 ? processors : threads;
    spins_ = count <= processors
                 ? 4000
                 : 0;  // spinning only helps while every worker has a processor of its own
    for (int worker = 1; worker < count; ++worker)
      workers_.emplace_back([this, worker](std::stop_token stop) { serve(stop, worker); });
  }
  ~Pool() {
    for (std::jthread& worker : workers_) worker.request_stop();
    wake();
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Returns when all tasks are done. If tasks threw, the exception of the lowest index is rethrown
  /// here.
  template <class Task> void run(std::int64_t tasks, Task&& task) {
    if (tasks <= 0) return;
    if (workers_.empty() || tasks == 1) {
      for (std::int64_t index = 0; index < tasks; ++index) task(index, 0);
      return;
    }
    if (tasks > 0x7fffffff)
      fail<ShapeError>("pool: ", tasks, " tasks exceed 2147483647; divide the work more coarsely.");
    call_ = [](void* context, std::int64_t index, int worker) {
      (*static_cast<std::remove_reference_t<Task>*>(context))(index, worker);
    };
    context_ = const_cast<void*>(static_cast<const void*>(std::addressof(task)));
    tasks_ = static_cast<std::uint32_t>(tasks);
    done_.store(0, std::memory_order_relaxed);
    state_.store((std::uint64_t{++generation_} << 32) | tasks_, std::memory_order_release);
    wake();
    while (work(0)) {
    }
    for (std::uint32_t done = done_.load(std::memory_order_acquire), spin = 0; done != tasks_;
         done = done_.load(std::memory_order_acquire))
      if (++spin < spins_)
        pause();
      else
        done_.wait(done, std::memory_order_acquire);
    if (error_) {
      failed_ = ~std::uint32_t{0};
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
  }

 private:
  /// Claims and runs one task of the current job. The job's fields may be read only between
  /// claiming a task and reporting it done: until then run() cannot return, so a worker that wakes
  /// late never sees the fields of a job that is over.
  bool work(int worker) {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    do {
      if ((state & 0xffffffffu) == 0) return false;
    } while (!state_.compare_exchange_weak(state, state - 1, std::memory_order_acq_rel,
                                           std::memory_order_acquire));
    const std::uint32_t tasks = tasks_,
                        index = tasks - static_cast<std::uint32_t>(state & 0xffffffffu);
    try {
      call_(context_, index, worker);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (index < failed_) {
        failed_ = index;
        error_ = std::current_exception();
      }
    }
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == tasks) done_.notify_all();
    return true;
  }
  void serve(std::stop_token stop, int worker) {
    while (true) {
      const std::uint32_t calls = calls_.load(std::memory_order_acquire);
      while (work(worker)) {
      }
      if (stop.stop_requested()) return;
      std::uint32_t spin = 0;
      while (calls_.load(std::memory_order_acquire) == calls && ++spin < spins_) pause();
      calls_.wait(calls, std::memory_order_acquire);
    }
  }
  void wake() {
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();
  }
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }

  // One line each: workers poll `calls_` and `state_` while the caller polls `done_`.
  alignas(64) std::atomic<std::uint64_t> state_ =
      0;  // generation of the job, and how many of its tasks are unclaimed
  alignas(64) std::atomic<std::uint32_t> done_ = 0;
  alignas(64) std::atomic<std::uint32_t> calls_ =
      0;  // changes whenever a sleeping worker should look
  alignas(64) void (*call_)(void*, std::int64_t, int) = nullptr;
  void* context_ = nullptr;
  std::uint32_t tasks_ = 0, generation_ = 0, spins_ = 0, failed_ = ~std::uint32_t{0};
  std::exception_ptr error_;
  std::mutex error_mutex_;
  std::vector<std::jthread> workers_;  // last: joined before the fields above go
};

}  // namespace arvit::cpu
