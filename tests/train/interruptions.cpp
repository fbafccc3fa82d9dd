// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/trainer.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/child_process.hpp"
#include "support/small_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test::small;
using arvit::test::in_child;

namespace {

/// The steps that TensorBoard shows for a folder of event files: a START at step s (field 7) voids
/// what earlier files hold from s on.
std::vector<std::int64_t> shown_steps(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::filesystem::last_write_time(a) < std::filesystem::last_write_time(b);
  });
  std::vector<std::int64_t> steps;
  for (const auto& file : files) {
    const std::string all = contents(file);
    for (std::size_t at = 0; at + 16 <= all.size();) {
      std::uint64_t length;
      std::memcpy(&length, all.data() + at, 8);
      REQUIRE(at + 16 + length <= all.size());
      const std::string_view event(all.data() + at + 12, length);
      at += 16 + length;
      std::size_t next = 9;  // after the time
      std::int64_t step = 0;
      if (event[next] == 0x10)
        for (int shift = (++next, 0);; shift += 7) {
          const auto byte = static_cast<unsigned char>(event[next++]);
          step |= std::int64_t{byte & 127} << shift;
          if (byte < 128) break;
        }
      const int field = static_cast<unsigned char>(event[next]) >> 3;
      if (field == 7)
        steps.erase(
            std::remove_if(steps.begin(), steps.end(), [&](std::int64_t s) { return s >= step; }),
            steps.end());
      if (field == 5) steps.push_back(step);
    }
  }
  return steps;
}

bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

constexpr std::int64_t all_steps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
const std::vector<std::int64_t> one_to_nine(std::begin(all_steps), std::end(all_steps));

}  // namespace

TEST_CASE(
    "trainer: killed after any step and resumed, it ends with the bits of an uninterrupted run") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  for (std::int64_t fatal = 1; fatal <= 9; ++fatal) {
    CAPTURE(fatal);
    TrainerOptions options = small_options(folder / text("killed-", fatal));
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      if (record.step == fatal) raise(SIGKILL);
    };
    REQUIRE(killed(in_child([&] { train(options, {}, hooks); })));
    options.files.resume = true;
    const TrainingResult result = train(options);
    CHECK(result.complete);
    CHECK(tensors(result.checkpoint) == expected);
    CHECK(logged_steps(std::filesystem::path(options.files.out) / "log.csv") == one_to_nine);
    CHECK(shown_steps(std::filesystem::path(options.files.out) / "tensorboard") == one_to_nine);
    const std::string lines = contents(std::filesystem::path(options.files.out) / "log.jsonl");
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 9);
    CHECK(lines.find("\n{\"step\":9,\"epoch\":3,\"loss\":") != std::string::npos);
  }
}

TEST_CASE(
    "trainer: killed in the middle of writing a checkpoint and resumed, it ends with the same "
    "bits") {
  const test::TemporaryFolder folder;
  const std::string whole = train(small_options(folder / "whole")).checkpoint;
  const auto size = std::filesystem::file_size(whole);
  for (const auto limit : {size / 100, size / 3, size - 1}) {
    CAPTURE(limit);
    TrainerOptions options = small_options(folder / text("cut-", limit));
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      const struct rlimit most { limit, limit };
      if (record.step == 6)
        setrlimit(RLIMIT_FSIZE, &most);  // SIGXFSZ ends the process at the byte beyond
    };
    const int status = in_child([&] { train(options, {}, hooks); });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXFSZ);
    CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4});
    options.files.resume = true;
    const TrainingResult result = train(options);
    CHECK(tensors(result.checkpoint) == tensors(whole));
    CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4, 6, 8, 9});
    for (const auto& entry : std::filesystem::directory_iterator(options.files.out))
      CHECK(entry.path().extension() != ".partial");
  }
}

TEST_CASE("trainer: a full disk ends the run with one sentence; the checkpoints before it stay") {
  const test::TemporaryFolder folder;
  const TrainerOptions options = small_options(folder / "run");
  const int status = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);  // writes then fail, as on a full disk
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      const struct rlimit most { 5000, 5000 };
      if (record.step == 6) setrlimit(RLIMIT_FSIZE, &most);
    };
    const std::string message = test::message_of<FileError>([&] { train(options, {}, hooks); });
    _exit(message.find("checkpoint-000000006.safetensors: cannot be written") != std::string::npos
              ? 7
              : 8);
  });
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4});
  CHECK_NOTHROW(read_checkpoint_info(CheckpointFolder(options.files.out).newest()));
}

TEST_CASE("trainer: a damaged checkpoint is named, and the newest whole one is resumed") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  TrainerOptions options = small_options(folder / "run");
  TrainerHooks hooks = signal_after(7, SIGTERM);
  const std::string newest = train(options, {}, hooks).checkpoint;
  const auto flip = [](const std::string& path, std::int64_t from_end) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-from_end, std::ios::end);
    const int byte = file.get();
    file.seekp(-from_end, std::ios::end);
    file.put(static_cast<char>(byte ^ 4));
  };
  flip(newest, 4000);
  options.files.resume = true;
  std::ostringstream said;
  const TrainingResult result = train(options, {}, {{&said, false}, {}});
  CHECK(said.str().find(newest + ": the values of ") != std::string::npos);
  CHECK(said.str().find("are no longer what was written (checksum); use another copy or "
                        "checkpoint. The one before it is taken.") != std::string::npos);
  CHECK(said.str().find("resumed " + CheckpointFolder(options.files.out).path(6)) !=
        std::string::npos);
  CHECK(tensors(result.checkpoint) == expected);
  CHECK(logged_steps(folder / "run/log.csv") == logged_steps(folder / "whole/log.csv"));

  // Cut, empty, or no file of the kind at all.
  const std::vector<std::int64_t> steps = CheckpointFolder(options.files.out).steps();
  REQUIRE(steps.size() == 6);
  const auto path_of = [&](std::size_t i) {
    return CheckpointFolder(options.files.out).path(steps[i]);
  };
  std::filesystem::resize_file(path_of(5), 5000);
  std::filesystem::resize_file(path_of(4), 0);
  test::write_bytes(path_of(3), std::string_view("PK\3\4 and so on"));
  said.str("");
  CHECK(tensors(train(options, {}, {{&said, false}, {}}).checkpoint) == expected);
  CHECK(said.str().find("resumed " + path_of(2)) != std::string::npos);

  for (const std::int64_t step : steps) flip(CheckpointFolder(options.files.out).path(step), 4001);
  CHECK_THROWS_AS(train(options), DamagedFile);
}

TEST_CASE("trainer: a log that lost lines is said to lack them") {
  const test::TemporaryFolder folder;
  for (const auto& [lines, gap] :
       {std::pair{7, ""}, {4, "lacks the steps from 4 to 6"}, {0, "lacks the steps from 1 to 6"}}) {
    TrainerOptions options = small_options(folder / std::to_string(lines));
    TrainerHooks hooks = signal_after(6, SIGTERM);
    train(options, {}, hooks);
    const std::string log = options.files.out + "/log.csv", whole = contents(log);
    std::size_t end = 0;
    for (int line = 0; line < lines; ++line) end = whole.find('\n', end) + 1;
    std::filesystem::resize_file(log, end);
    options.files.resume = true;
    std::ostringstream said;
    train(options, {}, {{&said, false}, {}});
    const bool complains = said.str().find("log.csv: lacks") != std::string::npos;
    CHECK(complains == (*gap != 0));
    CHECK(said.str().find(gap) != std::string::npos);
  }
}

TEST_CASE("trainer: a run has its folder alone, and a second one takes nothing from it") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "alone")).checkpoint);
  const TrainerOptions options = small_options(folder / "shared");
  std::string refused;
  TrainerHooks hooks = silent();
  hooks.after_step = [&](const StepRecord& record) {
    if (record.step != 3) return;
    for (const bool resume : {false, true}) {
      TrainerOptions second = options;
      second.files.resume = resume;
      refused = test::message_of<FileError>([&] { train(second, {}, silent()); });
      CHECK(refused.find("writes there; wait until it has ended") != std::string::npos);
    }
  };
  const TrainingResult result = train(options, {}, hooks);
  CHECK(result.complete);
  CHECK(!refused.empty());
  CHECK(tensors(result.checkpoint) == expected);
}

TEST_CASE("trainer: every signal that ends programs stops after the step and saves") {
  const test::TemporaryFolder folder;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    TrainerHooks hooks = signal_after(3, number);
    const TrainingResult stopped = train(small_options(folder / std::to_string(number)), {}, hooks);
    CHECK_FALSE(stopped.complete);
    CHECK(stopped.checkpoint.find("checkpoint-000000003") != std::string::npos);
  }
}

TEST_CASE(
    "trainer: SIGTERM stops after the step and saves; another one a second later ends the "
    "process") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  TrainerOptions options = small_options(folder / "stopped");
  TrainerHooks hooks = signal_after(3, SIGTERM);
  const TrainingResult stopped = train(options, {}, hooks);
  CHECK_FALSE(stopped.complete);
  CHECK(stopped.step == 3);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 3});
  options.files.resume = true;
  CHECK(tensors(train(options).checkpoint) == expected);

  // As timeout(1) does: to the process and to its group.
  hooks.after_step = [](const StepRecord& record) {
    if (record.step != 3) return;
    raise(SIGTERM);
    raise(SIGTERM);
  };
  CHECK(train(small_options(folder / "twice"), {}, hooks).step == 3);
  hooks.after_step = [](const StepRecord&) {
    raise(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    raise(SIGINT);
  };
  const int status = in_child([&] { train(small_options(folder / "impatient"), {}, hooks); });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}
