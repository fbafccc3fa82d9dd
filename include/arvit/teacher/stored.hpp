// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

/// Features, codes or conditions that were computed before: an npy file of [pictures, tokens,
/// width] or [pictures, patches] in fp32, picture by picture of the data set, read as they are
/// asked for. The shape is checked at the start, that the numbers are finite when they are read.
/// They belong to whole pictures: shorter side resized to the model's, bicubic, centre cut out.
class StoredTeacher {
 public:
  /// `width`: numbers of a picture, over all tokens; `token_width`: of a token (1: codes).
  StoredTeacher(const std::string& path, std::int64_t pictures, std::int64_t width,
                std::int64_t token_width);
  void operator()(const float* images, std::span<const Counter> pictures, float* numbers) const;

 private:
  std::string path_;
  std::int64_t width_, offset_ = 0;
  detail::Descriptor file_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/stored.ipp"
#endif
