// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"

/// Folders that programs write into.
namespace arvit {

/// Makes the folder, and those above it. FileError when that fails, or nothing can be written
/// there.
inline void make_writable_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    fail<FileError>(folder.string(), ": the folder cannot be made (", error.message(),
                    "); choose another folder.");
  std::filesystem::path name;
  const detail::Descriptor file = detail::create_unfinished(folder / "writable", name);
  if (!file.is_open())
    fail<FileError>(folder.string(), ": no file can be written there (",
                    std::generic_category().message(errno), "); choose another folder.");
  ::unlink(name.c_str());
}

/// One writer per folder: while it lives, no other process or thread gets one for the same folder.
/// The system holds the lock (flock on FOLDER/run.lock, whose text says who has it) and drops it
/// when the process ends, however it ends, so nobody needs to tidy up; the file stays. Over NFS the
/// server keeps machines apart (version 4, or 3 with its lock service). Where a file system has no
/// locks, nothing is kept apart.
class FolderLock {
 public:
  /// FileError names the process that has the folder.
  explicit FolderLock(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / "run.lock";
    file_ = detail::Descriptor(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file_.is_open()) detail::fail_errno(path, "cannot be written", errno);
    std::array<char, 320> holder{};
    if (!detail::lock(file_)) {
      detail::read_at(file_.get(), std::as_writable_bytes(std::span(holder).first(319)), 0);
      fail<FileError>(folder.string(), ": ", described(holder.data()),
                      " writes there; wait until it has ended, or choose another folder.");
    }
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::string own = text("process ", ::getpid(), " on ", host.data(), "\n");
    // Who has the lock is for people: a disk that is full must not cost it.
    if (::ftruncate(file_.get(), 0) == 0) detail::write_at(file_.get(), detail::as_bytes(own), 0);
  }

 private:
  /// The holder's own words as far as they look like ours.
  static std::string described(const char* holder) {
    std::string words;
    for (; *holder > ' ' || *holder == ' '; ++holder) words += *holder;
    return words.starts_with("process ") ? words : "another process";
  }

  detail::Descriptor file_;
};

}  // namespace arvit
