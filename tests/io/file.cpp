// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/file.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <exception>
#include <thread>

#include "arvit/io/append_file.hpp"
#include "arvit/io/mapped_file.hpp"
#include "support/child_process.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::HeldProcess;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

namespace {

/// Files larger than `bytes` cannot be written while this lives: what a full disk does to a writer.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// Exit status of `run` in a process of its own, as an unprivileged user.
template <class Run> int in_child(Run&& run) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(100);
    _exit(run());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int files_in(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("file: whole files are read, also such as have no size") {
  const TemporaryFolder folder;
  const std::string contents = std::string(100'000, 'x') + '\0' + "end";
  write_bytes(folder / "a", std::string_view(contents));
  CHECK(read_text(folder / "a") == contents);
  CHECK(read_file(folder / "a").size() == contents.size());
  CHECK(read_text("/proc/self/stat").size() > 20);
  CHECK(MappedFile(folder / "a").bytes().size() == contents.size());
}

TEST_CASE("file: what cannot be read is one sentence that names it") {
  const TemporaryFolder folder;
  write_bytes(folder / "empty", std::string_view());
  const auto complaint = [&](const char* name) {
    const std::string message = message_of<FileError>([&] { read_file(folder / name); });
    CHECK(message_of<FileError>([&] { MappedFile(folder / name); }) == message);
    CHECK(message.starts_with((folder / name).string() + ": "));
    return message.substr((folder / name).string().size() + 2);
  };
  CHECK(complaint("missing") == "does not exist; check the path.");
  CHECK(complaint("empty") == "is empty; copy or create it again.");
  CHECK(complaint(".") == "is a folder, a file was expected; check the path.");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0666) == 0);
  CHECK(complaint("pipe") ==
        "is a device, pipe or socket, a file was expected; copy what it gives into a file.");
  CHECK(complaint("empty/x") ==
        "cannot be read (Not a directory); check the path, a part of it is no folder.");

  write_bytes(folder / "secret", std::string_view("x"));
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  CHECK(in_child([&] {
          const auto message = message_of<FileError>([&] { read_file(folder / "secret"); });
          return message.find("cannot be read (Permission denied); check its permissions") !=
                         std::string::npos
                     ? 7
                     : 1;
        }) == 7);
}

TEST_CASE("file: what the machine refuses is not the file's fault") {
  const TemporaryFolder folder;
  write_bytes(folder / "a", std::string_view("x"));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  // Looked at afterwards: the sanitizers need files of their own for that.
  const auto failure_of = [&](auto&& work) {
    std::exception_ptr failure;
    setrlimit(RLIMIT_NOFILE, &none);
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    setrlimit(RLIMIT_NOFILE, &before);
    return message_of<MachineError>([&] { std::rethrow_exception(failure); });
  };
  const std::string whole = failure_of([&] { read_file(folder / "a"); });
  const std::string mapped = failure_of([&] { MappedFile(folder / "a"); });
  CHECK(whole == (folder / "a").string() +
                     ": cannot be read (Too many open files); raise the limit "
                     "on open files (ulimit -n).");
  CHECK(mapped == whole);
  CHECK(read_file(folder / "a").size() == 1);
}

TEST_CASE("file: an atomic write replaces the whole file") {
  const TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("ne");
    CHECK(read_text(folder / "a") == "old");
    file.write(Bytes{'w'});
    file.commit();
  }
  CHECK(read_text(folder / "a") == "new");
  CHECK(files_in(folder.path()) == 1);

  std::filesystem::create_symlink("a", folder / "link");
  write_atomically(folder / "link", "through the link");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_text(folder / "a") == "through the link");
  write_atomically(folder / "empty", "");
  CHECK(std::filesystem::file_size(folder / "empty") == 0);
}

TEST_CASE("file: a write that fails leaves the old file and nothing else") {
  const TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  {
    const FileSizeLimit limit(100'000);
    const auto message = message_of<FileError>(
        [&] { write_atomically(folder / "a", std::string(200'000, 'x')); });
    CHECK(message ==
          (folder / "a").string() +
              ": cannot be written (File too large); raise the limit on file sizes (ulimit -f).");
  }
  CHECK(files_in(folder.path()) == 1);
  CHECK_THROWS_AS(write_atomically(folder / "a",
                                   [](AtomicFile& file) {
                                     file.write("x");
                                     throw std::out_of_range("writer");
                                   }),
                  std::out_of_range);
  CHECK(files_in(folder.path()) == 1);
  CHECK(read_text(folder / "a") == "old");

  CHECK(message_of<FileError>([&] {
          write_atomically(folder / "none" / "a", "x");
        }).find("/none does not exist; create it first.") != std::string::npos);
  CHECK(message_of<FileError>([&] {
          write_atomically(folder.path(), "x");
        }).find("is a folder, a file was to be written") != std::string::npos);
  CHECK(message_of<FileError>([&] {
          write_atomically("/dev/null", "x");
        }).find("is a device or pipe") != std::string::npos);
  CHECK(std::filesystem::is_character_file("/dev/null"));

  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  CHECK(in_child([&] {
          const auto message = message_of<FileError>([&] { write_atomically(folder / "a", "x"); });
          return message.find("/a: cannot be written (Permission denied); check its permissions") !=
                         std::string::npos
                     ? 7
                     : 1;
        }) == 7);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("file: of two writers of one name both write whole files") {
  const TemporaryFolder folder;
  {
    AtomicFile first(folder / "a");
    first.write("the fi");
    AtomicFile second(folder / "a");
    second.write("the second");
    first.write("rst");
    first.commit();
    CHECK(read_text(folder / "a") == "the first");
    CHECK(files_in(folder.path()) == 2);
    second.commit();
  }
  CHECK(read_text(folder / "a") == "the second");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("file: what is published is what was written, not what took its name") {
  const TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  AtomicFile file(folder / "a");
  file.write("new");
  std::filesystem::path unfinished;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (entry.path().filename() != "a") unfinished = entry.path();
  std::filesystem::remove(unfinished);
  write_bytes(unfinished, std::string_view("foreign"));
  CHECK(message_of<FileError>([&] { file.commit(); }) ==
        (folder / "a").string() + ": cannot be written, for another program removed or replaced " +
            unfinished.string() + "; keep it from that folder.");
  CHECK(read_text(folder / "a") == "old");
  CHECK(read_text(unfinished) == "foreign");
}

TEST_CASE("file: the next writer removes what a killed one left, and nothing of a living one") {
  const TemporaryFolder folder;
  HeldProcess writer([&](auto&& wait) {
    AtomicFile file(folder / "a");
    file.write("half");
    wait();
  });
  write_atomically(folder / "a", "while it lives");
  CHECK(files_in(folder.path()) == 2);
  writer.end();
  write_atomically(folder / "b", "another name");
  CHECK(files_in(folder.path()) == 3);
  write_atomically(folder / "a", "after it");
  CHECK(files_in(folder.path()) == 2);
  CHECK(read_text(folder / "a") == "after it");
}

TEST_CASE("file: killed at any time, a writer leaves a whole file") {
  const TemporaryFolder folder;
  const std::string contents[] = {std::string(300'000, 'a'), std::string(500'000, 'b')};
  write_atomically(folder / "x", contents[0]);
  int seen[2] = {};
  for (int attempt = 0; attempt < 30; ++attempt) {
    const pid_t child = fork();
    if (child == 0)
      for (int i = 1;; ++i) write_atomically(folder / "x", contents[i % 2]);
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 997 * attempt % 7000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string found = read_text(folder / "x");
    const int which = found.front() == 'a' ? 0 : 1;
    ++seen[which];
    CHECK(found == contents[which]);
    CHECK(files_in(folder.path()) <= 2);
  }
  CHECK(seen[1] > 0);  // the children did write
  write_atomically(folder / "x", "after");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("append_file: records are whole or absent") {
  const TemporaryFolder folder;
  AppendFile file(folder / "log");
  file.append("one\n");
  {
    const FileSizeLimit limit(10);
    CHECK(message_of<FileError>([&] {
            file.append("much too long\n");
          }).find("cannot be written (File too large)") != std::string::npos);
  }
  file.append("two\n");
  file.synchronise();
  CHECK(read_text(folder / "log") == "one\ntwo\n");
  file.truncate(4);
  AppendFile again(folder / "log");
  CHECK(again.size() == 4);
  again.append("three\n");
  CHECK(read_text(folder / "log") == "one\nthree\n");
  CHECK(message_of<FileError>([&] {
          AppendFile other(folder / "none" / "log");
        }).find("cannot be written (No such file or directory)") != std::string::npos);
}
