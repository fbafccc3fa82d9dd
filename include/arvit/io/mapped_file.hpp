// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

#include "arvit/io/file.hpp"

namespace arvit {

/// A file's contents as memory, read when touched. The file must not be shortened in place while it
/// is open here (the system would end the process); AtomicFile never does that, it renames.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path) {
    struct stat status {};
    const detail::Descriptor file = detail::open_to_read(path, status);
    if (!S_ISREG(status.st_mode))
      fail<FileError>(path.string(),
                      ": is a device or pipe, a file was expected; copy it to a disk first.");
    if (status.st_size == 0) detail::fail_empty(path);
    size_ = status.st_size;
    void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (memory == MAP_FAILED) detail::fail_to_read(path, errno);
    data_ = static_cast<const std::byte*>(memory);
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Gives the whole pages of a part of bytes() back to the system; they are read again when
  /// touched.
  void release(std::span<const std::byte> part) const {
    const std::ptrdiff_t page = ::sysconf(_SC_PAGESIZE);
    const std::ptrdiff_t begin = (part.data() - data_ + page - 1) / page * page;
    const std::ptrdiff_t end = (part.data() + part.size() - data_) / page * page;
    // When this is refused, the pages merely stay.
    if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
  }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace arvit
