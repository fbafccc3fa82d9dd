// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
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

#include "arvit/core/checksum.hpp"
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

/// Throws what kept a file from being read: FileError where it is the file's own matter, else
/// MachineError.
[[noreturn]] inline void fail_to_read(const std::filesystem::path& path, int code) {
  for (const int own : {ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EINVAL, ENXIO})
    if (code == own) fail_errno(path, "cannot be read", code);
  fail<MachineError>(path.string(), ": cannot be read (", std::generic_category().message(code),
                     "); ", advice(code), ".");
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

/// Opens a file to be read; a missing file, a folder, what is no file and a file that may not be
/// read are one sentence each. A pipe that nobody writes to is not waited for.
inline Descriptor open_to_read(const std::filesystem::path& path, struct stat& status) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open() && errno == ENOENT)
    fail<FileError>(path.string(), ": does not exist; check the path.");
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) fail_to_read(path, errno);
  if (S_ISDIR(status.st_mode))
    fail<FileError>(path.string(), ": is a folder, a file was expected; check the path.");
  if (!S_ISREG(status.st_mode))
    fail<FileError>(path.string(),
                    ": is a device, pipe or socket, a file was expected; copy what "
                    "it gives into a file.");
  return file;
}

[[noreturn]] inline void fail_empty(const std::filesystem::path& path) {
  fail<DamagedFile>(path.string(), ": is empty; copy or create it again.");
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

/// All bytes of a file. Reads to the end instead of trusting the size: those of /proc have none.
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
      if (count < 0) fail_to_read(path, errno);
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

namespace detail {

/// Whether `path` itself, no link, names the open file.
inline bool names_file(const std::filesystem::path& path, const Descriptor& file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}
/// Locks an open file; false when another process or descriptor holds its lock. File systems
/// without locks lock nothing, and say so nowhere.
inline bool lock(const Descriptor& file) {
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

/// What begins the names of unfinished files beside `path` that processes of this machine write.
inline std::string unfinished_prefix(const std::filesystem::path& path) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::array<char, 16> digits{};
  std::to_chars(digits.data(), digits.data() + 8,
                static_cast<std::uint32_t>(checksum(std::as_bytes(std::span(host)))), 16);
  return text(path.filename().string(), ".", digits.data(), "-");
}
constexpr std::string_view unfinished_suffix = ".partial";

/// Removes what killed processes of this machine left beside `path`: files that nobody holds locked
/// any more.
inline void remove_unfinished(const std::filesystem::path& path) {
  const std::string prefix = unfinished_prefix(path);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;  // what cannot be listed costs room, not correctness
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(unfinished_suffix)) continue;
    const Descriptor file(
        ::open(entry->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
        names_file(entry->path(), file))
      ::unlink(entry->path().c_str());
  }
}

/// A new file beside `path`, of a name that no other process or thread has; locked, so that others
/// know it from what a killed process left. Not open, with errno set, where none can be made.
inline Descriptor create_unfinished(const std::filesystem::path& path,
                                    std::filesystem::path& name) {
  static std::atomic<unsigned> number{0};
  const std::string prefix = text(unfinished_prefix(path), ::getpid(), "-");
  for (;;) {
    name = path;
    name.replace_filename(text(prefix, number++, unfinished_suffix));
    Descriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file.is_open() && errno == EEXIST) continue;  // left by a process of the same number
    // Between its making and its lock another may have taken it for a leftover.
    if (!file.is_open() || (lock(file) && names_file(name, file))) return file;
  }
}

}  // namespace detail

/// A file that takes its name only when it is complete. The bytes go to a file beside it that no
/// other writer has (NAME.MACHINE-PROCESS-NUMBER.partial); commit() synchronises them, renames the
/// file over the old one and synchronises the folder. Killed at any time, the process leaves the
/// old file or the new one, and at most one unfinished file, which the next writer of that name
/// removes. Of two writers at the same time both write whole files, and the later commit stays. A
/// symbolic link stays: the file that it leads to is replaced.
///
/// Errors  FileError names the path and the system's reason; the unfinished file is then gone, the
///         old file untouched.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path) : path_(resolved(path)) {
    detail::remove_unfinished(path_);
    file_ = detail::create_unfinished(path_, partial_);
    if (file_.is_open()) return;
    const int code = errno;
    const std::filesystem::path folder = path_.parent_path();
    std::error_code error;
    if (code == ENOENT && !folder.empty() && !std::filesystem::exists(folder, error))
      fail<FileError>(path_.string(), ": cannot be written, its folder ", folder.string(),
                      " does not exist; create it first.");
    detail::fail_errno(path_, "cannot be written", code);
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
  /// Writes over what begins at byte `offset`.
  void overwrite(std::int64_t offset, std::string_view text) {
    if (detail::write_at(file_.get(), detail::as_bytes(text), offset) != text.size())
      give_up("cannot be written", errno);
  }
  /// Makes the file `size` bytes long; what is added reads as zeros, and takes no room where the
  /// file system can leave it out.
  void extend(std::int64_t size) {
    if (::ftruncate(file_.get(), size) != 0) give_up("cannot be written", errno);
  }

  void commit() {
    if (::fsync(file_.get()) != 0) give_up("cannot be written", errno);
    if (!detail::names_file(partial_, file_)) {
      file_.close();
      fail<FileError>(path_.string(),
                      ": cannot be written, for another program removed or replaced ",
                      partial_.string(), "; keep it from that folder.");
    }
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
    if (!file_.is_open()) return;
    if (detail::names_file(partial_, file_)) ::unlink(partial_.c_str());
    file_.close();
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
