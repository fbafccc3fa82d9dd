// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/decode.hpp"

namespace arvit {

/// JPEG and PNG files below a folder, decoded when asked for. By class: each sub-folder directly in
/// `root` that holds a picture, at any depth, is a class; classes are numbered by ascending name.
/// Flat: the pictures that lie in `root` itself, without labels. Pictures are ordered by class,
/// then by path; both compare bytes, so that the order is the same everywhere.
class ImageFolder {
 public:
  /// `classes`, when given, fixes the numbering (that of the training set for a test set); a
  /// sub-folder that it lacks throws. A missing folder, one that cannot be listed or one without
  /// any picture throws FileError.
  explicit ImageFolder(std::filesystem::path root, std::vector<std::string> classes = {},
                       DecodeLimits limits = {})
      : root_(std::move(root)), limits_(limits) {
    std::error_code error;
    if (!std::filesystem::is_directory(root_, error))
      fail<FileError>(root_.string(), ": no such folder; give a folder of JPEG or PNG pictures.");
    std::vector<std::string> folders, pictures;
    list(root_, "", false, folders, pictures);
    std::sort(folders.begin(), folders.end());
    const std::size_t loose = pictures.size();
    const bool numbered = !classes.empty();
    names_ = std::move(classes);
    for (const std::string& folder : folders) {
      std::vector<std::string> below, of_class;
      list(root_ / folder, folder + "/", true, below, of_class);
      if (of_class.empty()) continue;
      if (!numbered) names_.push_back(folder);
      const auto known = std::find(names_.begin(), names_.end(), folder);
      if (known == names_.end())
        fail<FileError>((root_ / folder).string(), ": this class is not among the ", names_.size(),
                        " classes of the training set; remove the folder or add the class there.");
      std::sort(of_class.begin(), of_class.end());
      for (const std::string& picture : of_class)
        add(picture, static_cast<int>(known - names_.begin()));
    }
    if (labels_.empty()) {  // flat
      names_.clear();
      std::sort(pictures.begin(), pictures.end());
      for (const std::string& picture : pictures) add(picture, -1);
    } else if (loose > 0) {
      left_out(static_cast<std::int64_t>(loose),
               *std::min_element(pictures.begin(), pictures.end()));
    }
    if (labels_.empty())
      fail<FileError>(
          root_.string(), ": no picture (.jpg, .jpeg or .png) lies in this folder or below it",
          others_ == 0 ? "" : text("; there are ", others_, " other files, for one ", other_),
          "; give a folder of pictures, or of one sub-folder of pictures per class.");
    paths_.shrink_to_fit();
  }

  std::int64_t size() const { return static_cast<std::int64_t>(labels_.size()); }
  int label(std::int64_t i) const { return labels_[i]; }
  Picture picture(std::int64_t i) const { return read_picture(path(i), limits_); }
  const std::vector<std::string>& class_names() const { return names_; }
  std::filesystem::path path(std::int64_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[static_cast<std::size_t>(i) - 1];
    return root_ / std::string_view(paths_).substr(begin, ends_[i] - begin);
  }
  /// Files that are not pictures by their name, or lie beside the class folders; they are not part
  /// of the set.
  std::int64_t other_files() const { return others_; }
  std::string describe() const {
    return text("image folder ", root_.string(), ": ", size(), " pictures, ",
                names_.empty() ? "no classes" : text(names_.size(), " classes"),
                others_ == 0
                    ? ""
                    : text(" (left out: ", others_,
                           others_ == 1 ? " other file, " : " other files, for one ", other_, ")"));
  }

  static bool is_picture(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    for (char& letter : extension)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
  }

 private:
  /// Sorts the entries of `folder` into sub-folders and pictures, whose paths begin with `prefix`;
  /// goes deeper when `deep`. Names that begin with a dot are passed over. Below the first level
  /// links to folders are not followed: they may form a ring.
  void list(const std::filesystem::path& folder, const std::string& prefix, bool deep,
            std::vector<std::string>& folders, std::vector<std::string>& pictures) {
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error), end;
    for (; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code unknown;
      if (name.front() == '.') continue;
      if (entry->is_directory(unknown) && !(deep && entry->is_symlink(unknown))) {
        if (deep)
          list(entry->path(), prefix + name + "/", true, folders, pictures);
        else
          folders.push_back(name);
      } else if (is_picture(name)) {
        pictures.push_back(prefix + name);
      } else {
        left_out(1, prefix + name);
      }
    }
    if (error)
      fail<FileError>(folder.string(), ": the folder cannot be listed (", error.message(), ").");
  }
  void left_out(std::int64_t count, const std::string& name) {
    if (others_ == 0 || name < other_)
      other_ = name;  // the first by name: the order of a listing is not fixed
    others_ += count;
  }
  void add(const std::string& path, int label) {
    paths_ += path;
    ends_.push_back(paths_.size());
    labels_.push_back(label);
  }

  std::filesystem::path root_;
  DecodeLimits limits_;
  std::vector<std::string> names_;
  // One after another, relative to root_: a million separate strings would cost four times the
  // memory.
  std::string paths_;
  std::vector<std::size_t> ends_;
  std::vector<std::int32_t> labels_;
  std::int64_t others_ = 0;
  std::string other_;
};

namespace detail {

/// Where the pictures of the split lie, empty when there are none. Sub-folders are splits when one
/// is called train and the others val, test or the like: with any other beside it, "train" is a
/// class (a vehicle).
inline std::filesystem::path picture_folder(const std::filesystem::path& folder, Split split) {
  static constexpr std::array<std::string_view, 4> tests = {"test", "val", "valid", "validation"};
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_folder(entry->path()) && entry->path().filename().string().front() != '.')
      names.push_back(entry->path().filename().string());
  const auto has = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool in_splits = has("train") &&
                         std::all_of(names.begin(), names.end(), [](const std::string& name) {
                           return name == "train" ||
                                  std::find(tests.begin(), tests.end(), name) != tests.end();
                         });
  if (split == Split::train) return in_splits ? folder / "train" : folder;
  if (!in_splits) return {};
  // ImageNet's test pictures come without classes; its results are those of val.
  const auto has_classes = [&](std::string_view name) {
    for (std::filesystem::directory_iterator entry(folder / name, error), end;
         !error && entry != end; entry.increment(error))
      if (is_folder(entry->path())) return true;
    return false;
  };
  for (const std::string_view name : tests)
    if (has(name) && has_classes(name)) return folder / name;
  for (const std::string_view name : tests)
    if (has(name)) return folder / name;
  return {};
}

}  // namespace detail

/// JPEG and PNG files, by class or flat (ImageFolder), directly or in sub-folders train and val or
/// test. Any folder will do; one without a picture is an error when it is opened.
inline constexpr DataFormat image_folder_format = {
    .name = "JPEG and PNG files (by class or flat)",
    .find = detail::picture_folder,
    .open = [](const SplitPaths& found, Split split, const DecodeLimits& limits) {
      ImageFolder train(found.train, {}, limits);
      if (split == Split::train) return AnyDataset(std::move(train));
      return AnyDataset(ImageFolder(found.test, train.class_names(), limits));
    }};

}  // namespace arvit
