// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/io/file.hpp"
#include "arvit/train/frozen_teacher.hpp"

namespace arvit {

/// What a cache holds and how much of it.
struct TeacherCacheOptions {
  std::string path;
  /// Name and value of all that the numbers depend on, besides the teacher.
  std::vector<std::pair<std::string, std::string>> key;
  std::int64_t pictures = 0, views = 1;  ///< the crop of a picture in epoch e is number e % views
  std::int64_t image_width = 0;          ///< numbers of an image
  std::int64_t width = 0;                ///< numbers of what the teacher gives for it
  /// Most that a new file takes, in 10^9 bytes; crops beyond it are computed every time.
  double gigabytes = 10;
  std::function<void(const std::string&)> report = [](const std::string& line) {
    std::cerr << line << '\n';
  };
};

/// What a frozen teacher gave for each crop, in a file, so that no crop is computed twice, in this
/// run or the next.
///
///   [text: key, number of slots, checksum; to a multiple of 4096 bytes]
///   [slot: checksum (8 bytes), numbers] ...
///
/// Slot view * pictures + picture. Its checksum is over the crop's pixels and the numbers, so what
/// was half written when a machine died, what is damaged and what belongs to another crop is no
/// hit: it is computed again. Numbers of a bf16 teacher take two bytes, others four: a hit has the
/// bits of the computation. The file is as long as it will ever be from the start, but takes room
/// on the disk only where it is written.
///
/// Errors  FileError for a file that is no cache, is cut or damaged in its text, holds other
///         numbers, or is in use by another process. When the disk refuses a slot, that is reported
///         once and the cache grows no more.
class TeacherCache {
 public:
  /// Of a teacher of tokens or of codes.
  TeacherCache(TeacherCacheOptions options, FrozenTeacher teacher);
  void operator()(const float* images, std::span<const Counter> pictures, float* numbers);

  std::int64_t crops() const { return options_.pictures * options_.views; }
  /// Pictures that the teacher itself was asked for.
  std::int64_t computed() const { return computed_; }
  /// One line for people.
  std::string describe() const;

 private:
  void create(const std::string& key) const;
  void open(const std::string& key);
  std::uint64_t crop_sum(const float* image) const;
  std::int64_t slot_of(const Counter& picture) const;
  bool read(std::int64_t slot, const float* image, float* numbers);
  void write(std::int64_t slot, const float* image, float* numbers);
  std::int64_t slot_bytes() const { return 8 + options_.width * (teacher_.halves ? 2 : 4); }

  TeacherCacheOptions options_;
  FrozenTeacher teacher_;
  detail::Descriptor file_;
  std::int64_t slots_ = 0, begin_ = 0, computed_ = 0;
  bool grows_ = true;
  std::vector<std::byte> slot_;
};

/// The same teacher behind a cache, whose line is printed.
FrozenTeacher cached(FrozenTeacher teacher, TeacherCacheOptions options, std::ostream* output);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/cache.ipp"
#endif
