// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/data/open_dataset.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/data/cifar.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/idx.hpp"
#include "arvit/data/image_folder.hpp"
#include "arvit/data/npy_pictures.hpp"
#include "arvit/data/stl10.hpp"

namespace arvit {

namespace detail {

/// In the order in which they are looked for; the last takes any folder.
inline constexpr std::array data_formats = {
    idx_format, cifar_10_format, cifar_100_format, stl10_format, npy_format, image_folder_format,
};

/// "a, b or c", of the member of each format that has one.
ARVIT_DEFINITION std::string one_of(std::string_view DataFormat::*member) {
  std::string result, last;
  for (const DataFormat& format : data_formats) {
    if ((format.*member).empty()) continue;
    if (!last.empty()) result += text(result.empty() ? "" : ", ", last);
    last = format.*member;
  }
  return result.empty() ? last : text(result, " or ", last);
}

/// What was found at a path.
struct FoundDataset {
  const DataFormat* format;
  SplitPaths splits;
};

ARVIT_DEFINITION SplitPaths splits_of(const DataFormat& format,
                                      const std::filesystem::path& folder) {
  return {format.find(folder, Split::train), format.find(folder, Split::test)};
}

ARVIT_DEFINITION FoundDataset find_dataset(const std::filesystem::path& path) {
  if (is_file(path)) {
    for (const DataFormat& format : data_formats)
      if (format.is_file != nullptr && format.is_file(path)) return {&format, {path, {}}};
    fail<FileError>(path.string(), ": a single file must be ", one_of(&DataFormat::file),
                    "; give the folder of other data sets.");
  }
  if (!is_folder(path))
    fail<FileError>(path.string(), ": no such folder; give a folder of ", one_of(&DataFormat::name),
                    ".");
  for (const DataFormat& format : std::span(data_formats).first(data_formats.size() - 1))
    for (const std::filesystem::path& folder : {path, path / format.archive_folder})
      if (SplitPaths splits = splits_of(format, folder); !splits.empty())
        return {&format, std::move(splits)};
  return {&data_formats.back(), splits_of(data_formats.back(), path)};
}

}  // namespace detail

ARVIT_DEFINITION AnyDataset open_dataset(const std::filesystem::path& path, Split split,
                                         const DecodeLimits& limits) {
  const detail::FoundDataset found = detail::find_dataset(path);
  if (found.splits.of(split).empty())
    fail<FileError>(path.string(),
                    split == Split::test
                        ? ": holds no test split (a folder val or test beside train, t10k or "
                          "test files); hold out a part of the training split."
                        : ": holds a test split only; add the training files.");
  return found.format->open(found.splits, split, limits);
}

ARVIT_DEFINITION const std::string& help_of_pictures() {
  static const std::string help = "pictures: a folder of " + detail::one_of(&DataFormat::name);
  return help;
}

ARVIT_DEFINITION bool has_test_split(const std::filesystem::path& path) {
  return !detail::find_dataset(path).splits.test.empty();
}

}  // namespace arvit
