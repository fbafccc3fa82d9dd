// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/data/open_dataset.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/cifar.hpp"
#include "arvit/data/idx.hpp"
#include "arvit/data/image_folder.hpp"
#include "arvit/data/npy_pictures.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

namespace detail {

ARVIT_DEFINITION bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}
ARVIT_DEFINITION bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}
ARVIT_DEFINITION std::string lower(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// The pictures of a pair of idx files in `folder`, under one of the names in use; empty when there
/// are none.
ARVIT_DEFINITION std::filesystem::path idx_pictures(const std::filesystem::path& folder,
                                                    Split split) {
  for (const char* part :
       {split == Split::train ? "train" : "t10k", split == Split::train ? "train" : "test"})
    for (const char* ending : {"-images-idx3-ubyte.gz", "-images-idx3-ubyte",
                               "-images.idx3-ubyte.gz", "-images.idx3-ubyte"})
      if (is_file(folder / text(part, ending))) return folder / text(part, ending);
  return {};
}

/// The idx file of pictures with the labels beside it; without them no picture has a label.
ARVIT_DEFINITION Idx open_idx(const std::filesystem::path& pictures) {
  static const std::vector<std::string> fashion = {
      "T-shirt/top", "trouser", "pullover", "dress", "coat",
      "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};
  std::string name = pictures.filename().string();
  for (const auto& [from, to] :
       {std::array<std::string_view, 2>{"images", "labels"}, {"idx3", "idx1"}})
    if (const auto place = name.find(from); place != std::string::npos)
      name.replace(place, from.size(), to);
  for (const std::string& ending : {std::string(), std::string(".gz")}) {
    const std::string plain = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
    const std::filesystem::path labels = pictures.parent_path() / (plain + ending);
    if (labels == pictures || !is_file(labels)) continue;
    // The file format names no classes; those of Fashion-MNIST are known.
    const std::string path = lower(std::filesystem::absolute(pictures).string());
    const bool is_fashion = path.find("fashion") != std::string::npos;
    return Idx(pictures, labels, is_fashion ? fashion : std::vector<std::string>{});
  }
  return Idx(pictures);
}

/// The array of pictures in `folder`, under the names in use; empty when there is none.
ARVIT_DEFINITION std::filesystem::path npy_pictures(const std::filesystem::path& folder,
                                                    Split split) {
  for (const char* part :
       {split == Split::train ? "train" : "test", split == Split::train ? "train" : "val"})
    if (const auto path = folder / text(part, "_images.npy"); is_file(path)) return path;
  return {};
}

/// The array of pictures with the labels beside it: "labels" instead of "images" or "data" in its
/// name, else labels.npy. Without them no picture has a label.
ARVIT_DEFINITION NpyPictures open_npy(const std::filesystem::path& pictures) {
  const std::filesystem::path folder = pictures.parent_path();
  for (const std::string_view word : {"images", "data"}) {
    std::string name = pictures.filename().string();
    const auto place = name.rfind(word);
    if (place == std::string::npos) continue;
    name.replace(place, word.size(), "labels");
    if (is_file(folder / name)) return NpyPictures(pictures, folder / name);
  }
  if (is_file(folder / "labels.npy")) return NpyPictures(pictures, folder / "labels.npy");
  return NpyPictures(pictures);
}

/// One class name per line, or nothing when there is no such file.
ARVIT_DEFINITION std::vector<std::string> read_names(const std::filesystem::path& path) {
  std::vector<std::string> names;
  if (!is_file(path)) return names;
  std::string line;
  for (const char letter : read_text(path) + "\n") {
    if (letter != '\n' && letter != '\r')
      line += letter;
    else if (!line.empty())
      names.push_back(std::exchange(line, {}));
  }
  return names;
}

/// Where the pictures of the split lie, empty when there are none. Sub-folders are splits when one
/// is called train and the others val, test or the like: with any other beside it, "train" is a
/// class (a vehicle).
ARVIT_DEFINITION std::filesystem::path picture_folder(const std::filesystem::path& folder,
                                                      Split split) {
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

/// What was found at a path, and the files or folder of each split; empty where there is no such
/// split.
struct FoundDataset {
  enum class Kind : char { idx, cifar_10, cifar_100, npy, pictures } kind = Kind::pictures;
  std::filesystem::path folder, train, test;
  const std::filesystem::path& of(Split split) const {
    return split == Split::train ? train : test;
  }
};

ARVIT_DEFINITION FoundDataset find_dataset(const std::filesystem::path& path) {
  using Kind = FoundDataset::Kind;
  if (is_file(path)) {
    if (path.extension() == ".npy") return {Kind::npy, path.parent_path(), path, {}};
    if (path.filename().string().find("idx3") == std::string::npos)
      fail<FileError>(path.string(),
                      ": a single file must be of the idx3 kind, such as "
                      "train-images-idx3-ubyte.gz, or an array of pictures, .npy; give the folder "
                      "of other data sets.");
    return {Kind::idx, path.parent_path(), path, {}};
  }
  if (!is_folder(path))
    fail<FileError>(
        path.string(),
        ": no such folder; give a folder of pictures, of idx or npy files or of CIFAR's binary "
        "files.");
  for (const char* below : {"", "raw", "cifar-10-batches-bin", "cifar-100-binary"}) {
    const std::filesystem::path folder = *below == 0 ? path : path / below;
    const auto if_there = [&](const char* name) {
      return is_file(folder / name) ? folder / name : std::filesystem::path();
    };
    FoundDataset found{Kind::idx, folder, idx_pictures(folder, Split::train),
                       idx_pictures(folder, Split::test)};
    if (found.train.empty() && found.test.empty())
      found = {Kind::cifar_10, folder, if_there("data_batch_1.bin"), if_there("test_batch.bin")};
    if (found.train.empty() && found.test.empty())
      found = {Kind::cifar_100, folder, if_there("train.bin"), if_there("test.bin")};
    if (found.train.empty() && found.test.empty())
      found = {Kind::npy, folder, npy_pictures(folder, Split::train),
               npy_pictures(folder, Split::test)};
    if (!found.train.empty() || !found.test.empty()) return found;
  }
  return {Kind::pictures, path, picture_folder(path, Split::train),
          picture_folder(path, Split::test)};
}

}  // namespace detail

ARVIT_DEFINITION AnyDataset open_dataset(const std::filesystem::path& path, Split split,
                                         const DecodeLimits& limits) {
  using Kind = detail::FoundDataset::Kind;
  const detail::FoundDataset found = detail::find_dataset(path);
  if (found.of(split).empty())
    fail<FileError>(path.string(),
                    split == Split::test
                        ? ": holds no test split (a folder val or test beside train, t10k or "
                          "test files); hold out a part of the training split."
                        : ": holds a test split only; add the training files.");
  if (found.kind == Kind::idx) return detail::open_idx(found.of(split));
  if (found.kind == Kind::npy) return detail::open_npy(found.of(split));
  if (found.kind == Kind::cifar_100)
    return Cifar(Cifar::Kind::hundred, {found.of(split)},
                 detail::read_names(found.folder / "fine_label_names.txt"));
  if (found.kind == Kind::cifar_10) {
    std::vector<std::filesystem::path> files = {found.of(split)};
    if (split == Split::train)
      for (int i = 2; i <= 5; ++i) files.push_back(found.folder / text("data_batch_", i, ".bin"));
    return Cifar(Cifar::Kind::ten, files, detail::read_names(found.folder / "batches.meta.txt"));
  }
  if (split == Split::train) return ImageFolder(found.train, {}, limits);
  return ImageFolder(found.test, ImageFolder(found.train, {}, limits).class_names(), limits);
}

ARVIT_DEFINITION bool has_test_split(const std::filesystem::path& path) {
  return !detail::find_dataset(path).test.empty();
}

}  // namespace arvit
