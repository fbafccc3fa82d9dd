// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"

/// Whole files: read at once, written so that a reader sees the old contents or the new ones, never
/// a part.
namespace arvit {

using Bytes = std::vector<std::uint8_t>;

namespace detail {

/// What a person can do about the system's error `code`.
inline std::string_view advice(int code) {
  switch (code) {
    case ENOENT:
      return "check the path";
    case ENOTDIR:
      return "check the path, a part of it is no folder";
    case EACCES:
    case EPERM:
      return "check its permissions and those of its folder";
    case EROFS:
      return "choose a folder that can be written to";
    case ENOSPC:
    case EDQUOT:
      return "make room on that disk";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f)";
    case EMFILE:
      return "raise the limit on open files (ulimit -n)";
    default:
      return "check the disk and the path";
  }
}

/// Throws FileError: "a.npy: cannot be written (No space left on device); make room on that disk."
[[noreturn]] inline void fail_errno(const std::filesystem::path& path, std::string_view what,
                                    int code) {
  fail<FileError>(path.string(), ": ", what, " (", std::generic_category().message(code), "); ",
                  advice(code), ".");
}

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  void close() {
    if (is_open()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// Opens a file to be read; a missing file, a folder and a file that may not be read are one
/// sentence each.
inline Descriptor open_to_read(const std::filesystem::path& path, struct stat& status) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() && errno == ENOENT)
    fail<FileError>(path.string(), ": does not exist; check the path.");
  if (!file.is_open() || ::fstat(file.get(), &status) != 0)
    fail_errno(path, "cannot be read", errno);
  if (S_ISDIR(status.st_mode))
    fail<FileError>(path.string(), ": is a folder, a file was expected; check the path.");
  return file;
}

[[noreturn]] inline void fail_empty(const std::filesystem::path& path) {
  fail<FileError>(path.string(), ": is empty; copy or create it again.");
}

/// Writes all of `bytes`; false, with errno set, when that fails.
inline bool write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(),
                                    std::min<std::size_t>(bytes.size(), 1 << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(written);
  }
  return true;
}

/// Bytes at a place of a file, read or written by `call` (::pread, ::pwrite). Returns how many;
/// fewer than asked for when the file ends (errno 0) or for errno's reason.
template <class Byte, class Call>
std::size_t transfer_at(Call call, int file, std::span<Byte> bytes, std::int64_t offset) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = call(file, bytes.data() + done,
                               std::min<std::size_t>(bytes.size() - done, 1 << 30),
                               offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = 0;
    if (count <= 0) break;
    done += count;
  }
  return done;
}
inline std::size_t read_at(int file, std::span<std::byte> bytes, std::int64_t offset) {
  return transfer_at(::pread, file, bytes, offset);
}
inline std::size_t write_at(int file, std::span<const std::byte> bytes, std::int64_t offset) {
  return transfer_at(::pwrite, file, bytes, offset);
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// All bytes of a file. Reads to the end instead of trusting the size: a pipe has none.
template <class Container> Container read_all(const std::filesystem::path& path) {
  struct stat status {};
  const Descriptor file = open_to_read(path, status);
  Container contents;
  std::size_t size = 0;
  try {
    // One byte more than the size: reading it finds the end.
    contents.resize(std::max<std::int64_t>(status.st_size, 4095) + 1);
    for (;;) {
      const ssize_t count = ::read(file.get(), contents.data() + size,
                                   std::min<std::size_t>(contents.size() - size, 1 << 30));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_errno(path, "cannot be read", errno);
      if (count == 0) break;
      size += count;
      if (size == contents.size()) contents.resize(2 * size);
    }
    contents.resize(size);
  } catch (const std::bad_alloc&) {
    fail<FileError>(path.string(), ": has ", status.st_size,
                    " bytes, more than memory can hold; use a smaller file.");
  } catch (const std::length_error&) {
    fail<FileError>(path.string(), ": has ", status.st_size,
                    " bytes, more than memory can hold; use a smaller file.");
  }
  if (size == 0) fail_empty(path);
  return contents;
}

/// Makes a rename in the folder of `path` survive a power cut.
inline void synchronise_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path()
                                                              : std::filesystem::path(".");
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.is_open() && ::fsync(file.get()) == 0) return;
  // File systems and folders that offer no such call.
  if (errno != EINVAL && errno != ENOTSUP && errno != EACCES)
    fail_errno(path, "is written, but its folder cannot be synchronised", errno);
}

}  // namespace detail

/// The contents of a file that must not be empty.
inline Bytes read_file(const std::filesystem::path& path) { return detail::read_all<Bytes>(path); }
inline std::string read_text(const std::filesystem::path& path) {
  return detail::read_all<std::string>(path);
}

/// A file that takes its name only when it is complete. The bytes go to NAME.partial beside it;
/// commit() synchronises them, renames the file over the old one and synchronises the folder.
/// Killed at any time, the process leaves the old file or the new one, and at most one
/// NAME.partial, which the next writer of that name takes over. A symbolic link stays: the file
/// that it leads to is replaced.
///
/// Errors  FileError names the path and the system's reason; the partial file is then gone, the old
///         file untouched. A second writer of the same name at the same time is refused.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path) : path_(resolved(path)), partial_(path_) {
    partial_ += ".partial";
    struct stat opened {};
    struct stat named {};
    do {
      file_ = detail::Descriptor(
          ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
      if (!file_.is_open()) {
        const int code = errno;
        const std::filesystem::path folder = path_.parent_path();
        std::error_code error;
        if (code == ENOENT && !folder.empty() && !std::filesystem::exists(folder, error))
          fail<FileError>(path_.string(), ": cannot be written, its folder ", folder.string(),
                          " does not exist; create it first.");
        detail::fail_errno(path_, "cannot be written", code);
      }
      // File systems without locks are used without: the lock only keeps two writers apart.
      if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        file_.close();
        fail<FileError>(path_.string(),
                        ": is being written by another process or thread; give each its own name.");
      }
      // The name may have passed to another file between open and lock: its former writer renames
      // it when it is done.
    } while (::fstat(file_.get(), &opened) != 0 || ::stat(partial_.c_str(), &named) != 0 ||
             opened.st_ino != named.st_ino);
    if (::ftruncate(file_.get(), 0) != 0) give_up("cannot be written", errno);
  }
  ~AtomicFile() { discard(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write(std::span<const std::byte> bytes) {
    if (!detail::write_all(file_.get(), bytes)) give_up("cannot be written", errno);
  }
  void write(std::string_view text) { write(detail::as_bytes(text)); }
  void write(const Bytes& bytes) { write(std::as_bytes(std::span(bytes))); }
  /// Makes the file `size` bytes long; what is added reads as zeros, and takes no room where the
  /// file system can leave it out.
  void extend(std::int64_t size) {
    if (::ftruncate(file_.get(), size) != 0) give_up("cannot be written", errno);
  }

  void commit() {
    if (::fsync(file_.get()) != 0) give_up("cannot be written", errno);
    if (::rename(partial_.c_str(), path_.c_str()) != 0) give_up("cannot be replaced", errno);
    file_.close();
    detail::synchronise_folder(path_);
  }

 private:
  /// What the name stands for, links followed. Refuses what a rename would destroy: folders,
  /// devices, pipes.
  static std::filesystem::path resolved(const std::filesystem::path& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      fail<FileError>(path.string(), ": is ",
                      std::filesystem::is_directory(status) ? "a folder" : "a device or pipe",
                      ", a file was to be written; choose another name.");
    if (!path.has_filename())
      fail<FileError>("'", path.string(), "' names no file; add a file name.");
    const bool link = std::filesystem::is_symlink(path, error) && std::filesystem::exists(status);
    return link ? std::filesystem::canonical(path) : path;
  }
  void discard() {
    if (file_.is_open()) {
      ::unlink(partial_.c_str());
      file_.close();
    }
  }
  [[noreturn]] void give_up(std::string_view what, int code) {
    discard();
    detail::fail_errno(path_, what, code);
  }

  std::filesystem::path path_, partial_;
  detail::Descriptor file_;
};

/// Calls writer(AtomicFile&); the file appears when it returns, and not at all when it throws.
template <std::invocable<AtomicFile&> Writer>
void write_atomically(const std::filesystem::path& path, Writer&& writer) {
  AtomicFile file(path);
  std::invoke(std::forward<Writer>(writer), file);
  file.commit();
}
inline void write_atomically(const std::filesystem::path& path, std::string_view contents) {
  write_atomically(path, [&](AtomicFile& file) { file.write(contents); });
}
inline void write_atomically(const std::filesystem::path& path, const Bytes& contents) {
  write_atomically(path, [&](AtomicFile& file) { file.write(contents); });
}

}  // namespace arvit
