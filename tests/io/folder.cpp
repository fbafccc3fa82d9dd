// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/folder.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <optional>

#include "support/child_process.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

TEST_CASE("folder: one writer, who is named, until it ends") {
  const TemporaryFolder folder;
  std::optional<FolderLock> first(folder.path());
  const std::string message = message_of<FileError>([&] { FolderLock second(folder.path()); });
  CHECK(message.starts_with(folder.path().string() + ": process " + std::to_string(getpid()) +
                            " on "));
  CHECK(message.ends_with(" writes there; wait until it has ended, or choose another folder."));
  first.reset();
  const FolderLock after(folder.path());
}

TEST_CASE("folder: a killed process keeps no folder, and a living one does") {
  const TemporaryFolder folder;
  HeldProcess holder([&](auto&& wait) {
    const FolderLock lock(folder.path());
    wait();
  });
  CHECK(message_of<FileError>([&] {
          FolderLock second(folder.path());
        }).find("process " + std::to_string(holder.id()) + " on ") != std::string::npos);
  holder.end();
  const FolderLock after(folder.path());
}

TEST_CASE("folder: foreign words in the lock are not repeated") {
  const TemporaryFolder folder;
  const FolderLock first(folder.path());
  write_bytes(folder / "run.lock", std::string_view("secret\n"));
  CHECK(message_of<FileError>([&] { FolderLock second(folder.path()); }) ==
        folder.path().string() +
            ": another process writes there; wait until it has ended, or choose another folder.");
}

TEST_CASE("folder: whether it can be written is asked without touching what lies there") {
  const TemporaryFolder folder;
  write_bytes(folder / "victim", std::string_view("precious"));
  std::filesystem::create_directory(folder / "out");
  for (const char* name : {".writable", "writable"})
    std::filesystem::create_symlink("../victim", folder / "out" / name);
  make_writable_folder(folder / "out");
  CHECK(read_text(folder / "victim") == "precious");
  std::filesystem::create_symlink("../victim", folder / "out/run.lock");
  CHECK(message_of<FileError>([&] { FolderLock lock(folder / "out"); }).find("cannot be written") !=
        std::string::npos);
  CHECK(read_text(folder / "victim") == "precious");
  make_writable_folder(folder / "new/below");
  CHECK(std::filesystem::is_empty(folder / "new/below"));
}
