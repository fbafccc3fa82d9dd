// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <utility>

namespace arvit::test {

/// Runs `work` in a child process and returns how it ended, as waitpid reports it.
template <class Work> int in_child(Work&& work) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

/// A process that calls `hold(wait)` and is held in wait() until it is killed.
class HeldProcess {
 public:
  template <class Hold> explicit HeldProcess(Hold&& hold) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    id_ = fork();
    if (id_ == 0) {
      hold([&] {
        [[maybe_unused]] const auto written = write(ready[1], "x", 1);
        for (;;) pause();
      });
      _exit(1);
    }
    close(ready[1]);
    char byte;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
  }
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;
  ~HeldProcess() { end(); }

  pid_t id() const { return id_; }
  void end() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    waitpid(std::exchange(id_, 0), nullptr, 0);
  }

 private:
  pid_t id_ = 0;
};

}  // namespace arvit::test
