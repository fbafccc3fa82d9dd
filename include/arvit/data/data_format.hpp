// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string_view>
#include <system_error>

#include "arvit/core/error.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/decode.hpp"

namespace arvit {

/// Which part of a data set. What comes without parts is all `train`.
enum class Split : char { train, test };
inline Split split_from(std::string_view name) {
  return static_cast<Split>(place_of_name("split", name, {"train", "test"}));
}

/// Where the splits of a data set lie, as DataFormat::find says.
struct SplitPaths {
  std::filesystem::path train, test;
  bool empty() const { return train.empty() && test.empty(); }
  const std::filesystem::path& of(Split split) const {
    return split == Split::train ? train : test;
  }
};

/// A way in which pictures lie in files, told by their names: one file of this folder defines it,
/// and open_dataset looks for it.
struct DataFormat {
  /// For people, what a folder holds: "idx files (MNIST, Fashion-MNIST)".
  std::string_view name;
  /// The folder that its usual archive unpacks to, which is looked into as well.
  std::string_view archive_folder = {};
  /// The first file or the folder of a split in `folder`; empty where there is none.
  std::filesystem::path (*find)(const std::filesystem::path& folder, Split split);
  /// The pictures of a split that was found. Labels of a test split count as in the training split.
  AnyDataset (*open)(const SplitPaths& found, Split split, const DecodeLimits& limits);
  /// Where one file may be a split: what it must be, and whether one of that name is.
  std::string_view file = {};
  bool (*is_file)(const std::filesystem::path& file) = nullptr;
};

namespace detail {

inline bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}
inline bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}
inline std::filesystem::path if_file(std::filesystem::path path) {
  return is_file(path) ? path : std::filesystem::path();
}

}  // namespace detail
}  // namespace arvit
