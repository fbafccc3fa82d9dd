// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/program.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "arvit/io/file.hpp"
#include "arvit/train/progress.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
/// Exit code, standard output and standard error of a program that does `work`.
struct Outcome {
  int code;
  std::string out, error;
};
template <class Work> Outcome outcome(Work&& work) {
  std::ostringstream out, error;
  auto *out_before = std::cout.rdbuf(out.rdbuf()), *error_before = std::cerr.rdbuf(error.rdbuf());
  const int code = run_main(0, nullptr, [&](int, char**) { return work(); });
  std::cout.rdbuf(out_before), std::cerr.rdbuf(error_before);
  return {code, out.str(), error.str()};
}
}  // namespace

TEST_CASE("program: exit codes and one line on standard error") {
  CHECK(outcome([] {}).code == 0);
  CHECK(outcome([] { return 5; }).code == 5);
  const Outcome option = outcome([] { fail<OptionError>("--batch is 0."); });
  CHECK(option.code == 2);
  CHECK(option.error == "error: --batch is 0.\n");
  const Outcome file = outcome([] { fail<FileError>("a: is missing."); });
  CHECK(file.code == 1);
  CHECK(file.error == "error: a: is missing.\n");
  CHECK(outcome([] { throw std::bad_alloc(); }).error.find("smaller batch") != std::string::npos);
  const Outcome help = outcome([] { throw Finished{"help\n"}; });
  CHECK(help.code == 0);
  CHECK(help.out == "help\n");
  CHECK(help.error == "");
  const Outcome stopped = outcome([] { throw Stopped{}; });
  CHECK(stopped.code == 75);
  CHECK(stopped.error == "");
}

TEST_CASE("program: closed pipes and limits of size are failures of a write, not deaths") {
  const test::TemporaryFolder folder;
  const auto code_of = [&](auto&& work) {
    const pid_t child = fork();
    if (child == 0) {
      int pipe_ends[2];
      if (pipe(pipe_ends) != 0) _exit(100);
      dup2(pipe_ends[1], STDOUT_FILENO);
      close(pipe_ends[0]);  // nobody reads
      close(pipe_ends[1]);
      dup2(open((folder / "error").c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0666), STDERR_FILENO);
      std::signal(SIGPIPE, SIG_DFL);
      std::signal(SIGXFSZ, SIG_DFL);
      std::cout.clear();
      _exit(run_main(0, nullptr, [&](int, char**) { work(); }));
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  CHECK(code_of([] { std::cout << std::string(100'000, 'x'); }) == 1);
  CHECK(read_text(folder / "error") ==
        "error: standard output was closed, or its disk is full, before all was printed; what the "
        "program writes into files is there.\n");
  CHECK(code_of([&] {
          const rlimit most{1000, 1000};
          setrlimit(RLIMIT_FSIZE, &most);
          write_atomically(folder / "a", std::string(2000, 'x'));
        }) == 1);
  CHECK(
      read_text(folder / "error").find("/a: cannot be written (File too large); raise the limit") !=
      std::string::npos);
}

TEST_CASE("progress: a line for people, with the mean loss since the last line") {
  std::ostringstream stream;
  {
    Progress progress({&stream, false}, 10, 1000, 0);
    StepRecord record{1, 0.01, 2.0, 1e-3, 0.5, 123.4, 0.25, 2.0};
    progress.show(record);
    CHECK(stream.str() ==
          "epoch 0.01/10  step 1/1000  loss 2.0000  lr 1.00e-03  gradient 0.5  123 images/s  "
          "waiting 25 %  33 min 18 s left\n");
    stream.str("");
    record.step = 999;
    record.loss = 4;
    progress.show(record);
    CHECK(stream.str() == "");  // within the interval
    record.step = 1000;
    record.loss = 1;
    record.seconds = 2000;
    progress.show(record);
    CHECK(stream.str().find("step 1000/1000  loss 2.5000") != std::string::npos);
    CHECK(stream.str().find("0 s left") != std::string::npos);
  }
  stream.str("");
  {
    Progress progress({&stream, true}, 10, 1000, 500);
    progress.show({501, 5.01, 2.0, 1e-3, 0.5, 12.34, 0, 1.0});
    CHECK(stream.str().starts_with("\repoch 5.01/10"));
    CHECK(stream.str().find("12.3 images/s") != std::string::npos);
    CHECK(stream.str().find("8 min 19 s left") !=
          std::string::npos);  // 499 steps at the pace of this process
    CHECK(stream.str().find('\n') == std::string::npos);
    progress.note("saved");
    CHECK(stream.str().ends_with("\x1b[K\nsaved\n"));
  }
  Progress({nullptr, false}, 1, 1, 0).show({});  // nowhere: nothing happens
}

TEST_CASE("progress: durations") {
  CHECK(duration_text(12.4) == "12 s");
  CHECK(duration_text(200) == "3 min 20 s");
  CHECK(duration_text(3720) == "1 h 02 min");
  CHECK(duration_text(90000) == "1 d 01 h");
}
