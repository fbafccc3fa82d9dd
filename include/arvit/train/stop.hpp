// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <signal.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace arvit {

namespace detail {
// A signal handler reaches nothing but globals; whoever asks first in a process sees the signal.
inline std::atomic<int> received_signal{0};
inline std::atomic<std::int64_t> received_at{0};  // nanoseconds
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free,
              "StopOnSignal: a signal handler may write lock-free atomics only.");
extern "C" inline void arvit_receive_signal(int number) {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t now = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  if (received_signal.load() == 0) {
    received_at.store(now);
    received_signal.store(number);
  } else if (number == received_signal.load() && now - received_at.load() > 1'000'000'000) {
    signal(number, SIG_DFL);
    raise(number);
  }
}
}  // namespace detail

/// While it lives, the signals by which people, terminals and batch systems end a program ask for
/// an orderly stop: SIGINT, SIGTERM, SIGHUP (the terminal is gone), SIGUSR1 and SIGUSR2 (the time
/// of a batch job is nearly over), SIGXCPU. Another one of the same kind ends the process, unless
/// it comes within a second: timeout(1), say, signals a process and its group.
class StopOnSignal {
 public:
  StopOnSignal() {
    detail::received_signal.store(0);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct sigaction action {};
      action.sa_handler = detail::arvit_receive_signal;
      sigemptyset(&action.sa_mask);
      action.sa_flags = SA_RESTART;
      sigaction(signals[i].number, &action, &before_[i]);
    }
  }
  ~StopOnSignal() {
    for (std::size_t i = 0; i < signals.size(); ++i)
      sigaction(signals[i].number, &before_[i], nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  /// The signal that asked for the stop, or 0.
  static int received() { return detail::received_signal.load(); }
  static std::string_view name() {
    for (const Signal& signal : signals)
      if (signal.number == received()) return signal.name;
    return "no signal";
  }

 private:
  struct Signal {
    int number;
    std::string_view name;
  };
  static constexpr std::array<Signal, 6> signals{{{SIGINT, "SIGINT"},
                                                  {SIGTERM, "SIGTERM"},
                                                  {SIGHUP, "SIGHUP"},
                                                  {SIGUSR1, "SIGUSR1"},
                                                  {SIGUSR2, "SIGUSR2"},
                                                  {SIGXCPU, "SIGXCPU"}}};
  std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace arvit
