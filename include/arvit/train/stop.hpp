// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

namespace arvit {

namespace detail {
// A signal handler reaches nothing but globals; whoever asks first in a process sees the signal.
inline std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "StopOnSignal: a signal handler may write lock-free atomics only.");
extern "C" inline void arvit_receive_signal(int number) { received_signal.store(number); }
}  // namespace detail

/// While it lives, SIGINT and SIGTERM ask for an orderly stop; a second one of the same kind ends the process at once.
class StopOnSignal {
 public:
  StopOnSignal() {
    detail::received_signal.store(0);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct sigaction action {};
      action.sa_handler = detail::arvit_receive_signal;
      sigemptyset(&action.sa_mask);
      action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second signal meets the default action
      sigaction(signals[i], &action, &before_[i]);
    }
  }
  ~StopOnSignal() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &before_[i], nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  /// The signal that asked for the stop, or 0.
  static int received() { return detail::received_signal.load(); }

 private:
  static constexpr std::array<int, 2> signals{SIGINT, SIGTERM};
  std::array<struct sigaction, 2> before_{};
};

}  // namespace arvit
