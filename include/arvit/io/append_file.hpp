// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "arvit/io/file.hpp"

namespace arvit {

/// A file that grows by whole records. Each append reaches the system at once, so a killed process
/// loses none of them; synchronise() makes them survive a power cut too. A record that does not fit
/// on the disk is taken back.
class AppendFile {
 public:
  explicit AppendFile(const std::filesystem::path& path) : path_(path) {
    file_ = detail::Descriptor(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    struct stat status {};
    if (!file_.is_open() || ::fstat(file_.get(), &status) != 0)
      detail::fail_errno(path_, "cannot be written", errno);
    size_ = status.st_size;
  }

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const { return size_; }

  void append(std::string_view record) {
    if (!detail::write_all(file_.get(), detail::as_bytes(record))) {
      const int code = errno;
      // The first error is the one to report.
      [[maybe_unused]] const int ignored = ::ftruncate(file_.get(), size_);
      detail::fail_errno(path_, "cannot be written", code);
    }
    size_ += static_cast<std::int64_t>(record.size());
  }
  /// Keeps the first `size` bytes.
  void truncate(std::int64_t size) {
    if (::ftruncate(file_.get(), size) != 0)
      detail::fail_errno(path_, "cannot be shortened", errno);
    size_ = size;
  }
  void synchronise() {
    if (::fsync(file_.get()) != 0 && errno != EINVAL)
      detail::fail_errno(path_, "cannot be written", errno);  // EINVAL: a pipe
  }

 private:
  std::filesystem::path path_;
  detail::Descriptor file_;
  std::int64_t size_ = 0;
};

}  // namespace arvit
