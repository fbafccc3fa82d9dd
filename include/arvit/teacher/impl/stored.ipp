// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/stored.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/mapped_file.hpp"
#include "arvit/io/npy.hpp"

namespace arvit {

ARVIT_DEFINITION StoredTeacher::StoredTeacher(const std::string& path, std::int64_t pictures,
                                              std::int64_t width, std::int64_t token_width)
    : path_(path), width_(width) {
  const NpyLayout stored = read_npy_layout<float>(MappedFile(path), path);
  std::vector<std::int64_t> expected{pictures, width / token_width};
  if (token_width > 1) expected.push_back(token_width);
  if (!std::equal(stored.shape.begin(), stored.shape.end(), expected.begin(), expected.end(),
                  [](auto a, auto b) { return std::cmp_equal(a, b); }))
    fail<ShapeError>(path, ": its shape is ", shape_text(stored.shape), ", ", shape_text(expected),
                     " was expected; use what this model's teacher says of this data set.");
  if (stored.column_major)
    fail<ShapeError>(path,
                     ": its numbers are in Fortran order, so those of a picture do not lie "
                     "together; save it with numpy.ascontiguousarray.");
  offset_ = static_cast<std::int64_t>(stored.offset);
  struct stat status {};
  file_ = detail::open_to_read(path, status);
}
ARVIT_DEFINITION void StoredTeacher::operator()(const float*, std::span<const Counter> pictures,
                                                float* to) const {
  for (const Counter& picture : pictures) {
    const std::span<float> numbers(to, static_cast<std::size_t>(width_));
    const auto bytes = std::as_writable_bytes(numbers);
    if (detail::read_at(file_.get(), bytes,
                        offset_ + std::int64_t{picture.image} *
                                      static_cast<std::int64_t>(bytes.size())) != bytes.size()) {
      if (errno != 0) detail::fail_to_read(path_, errno);
      fail<FileError>(path_, ": ends before the numbers of picture ", picture.image,
                      "; somebody cut it during the run, create it again.");
    }
    const auto bad = std::find_if_not(numbers.begin(), numbers.end(),
                                      [](float value) { return std::isfinite(value); });
    if (bad != numbers.end())
      fail<NumericError>(path_, ": number ", bad - numbers.begin(), " of picture ", picture.image,
                         " is ", *bad, "; compute it again.");
    to += width_;
  }
}

}  // namespace arvit
