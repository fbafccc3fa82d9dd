// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "arvit/device/cpu/pool.hpp"

using arvit::cpu::Pool;

TEST_CASE("cpu/pool: every task runs exactly once, whatever the numbers of tasks and threads") {
  for (const int threads : {1, 2, 3, 8}) {
    Pool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::int64_t tasks : {0, 1, 2, 3, 7, 100, 1000}) {
      std::vector<int> runs(tasks,
                            0);  // not atomic: a task that ran twice would be a race, too
      std::atomic<int> strangers = 0;
      pool.run(tasks, [&](std::int64_t task, int worker) {
        ++runs[task];
        if (worker < 0 || worker >= threads) ++strangers;
      });
      CHECK(runs == std::vector<int>(static_cast<std::size_t>(tasks), 1));
      CHECK(strangers == 0);
    }
  }
}

TEST_CASE("cpu/pool: what a task wrote is seen after run, over many short jobs") {
  Pool pool(3);
  std::vector<std::int64_t> values(64, 0);
  for (std::int64_t round = 0; round < 20000; ++round)
    pool.run(1 + round % 64, [&](std::int64_t task, int) { values[task] += round; });
  std::int64_t sum = 0, expected = 0;
  for (const std::int64_t value : values) sum += value;
  for (std::int64_t round = 0; round < 20000; ++round) expected += round * (1 + round % 64);
  CHECK(sum == expected);
}

TEST_CASE(
    "cpu/pool: the exception of the lowest task is rethrown after all tasks ran, and the pool goes "
    "on") {
  for (const int threads : {2, 3}) {
    Pool pool(threads);
    for (int round = 0; round < 100; ++round) {
      std::atomic<int> ran = 0;
      const auto run = [&] {
        pool.run(50, [&](std::int64_t task, int) {
          ++ran;
          if (task % 10 == 7) throw std::runtime_error("task " + std::to_string(task));
        });
      };
      CHECK_THROWS_WITH_AS(run(), "task 7", std::runtime_error);
      CHECK(ran == 50);
    }
    std::atomic<int> ran = 0;
    pool.run(50, [&](std::int64_t, int) { ++ran; });
    CHECK(ran == 50);
  }
}

TEST_CASE("cpu/pool: a number of threads that makes no sense is refused") {
  CHECK_THROWS_AS(Pool(-1), arvit::OptionError);
  CHECK(Pool(0).threads() >= 1);
}
