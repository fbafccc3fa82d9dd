// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/picture.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

/// CIFAR-10 or CIFAR-100 in the binary version (Krizhevsky 2009), held in memory. A record is its
/// label bytes (CIFAR-10: class; CIFAR-100: coarse class, then class), then 32 x 32 red, green and
/// blue bytes.
class Cifar {
 public:
  enum class Kind : char { ten, hundred };
  static constexpr int side = 32, pixels = side * side;

  /// Reads `files` one after another. A size that is no multiple of the record, or a label that is
  /// too large, throws FileError.
  Cifar(Kind kind, const std::vector<std::filesystem::path>& files,
        std::vector<std::string> names = {})
      : kind_(kind), names_(std::move(names)) {
    const std::size_t classes = kind == Kind::ten ? 10 : 100, record = record_bytes();
    if (names_.empty())
      for (std::size_t c = 0; c < classes; ++c)
        names_.push_back(kind == Kind::ten ? ten_names()[c] : std::to_string(c));
    if (names_.size() != classes)
      fail<FileError>("Cifar: ", names_.size(), " class names, but ", format(), " has ", classes,
                      " classes; mend the file of names.");
    for (const auto& path : files) {
      const Bytes bytes = read_file(path);
      if (bytes.size() % record != 0)
        fail<FileError>(path.string(), ": ", bytes.size(), " bytes, expected a multiple of ",
                        record, " (one record of ", format(), "); download it again.");
      const std::size_t begin = records_.size();
      records_.insert(records_.end(), bytes.begin(), bytes.end());
      for (std::size_t at = begin + label_bytes() - 1; at < records_.size(); at += record)
        if (records_[at] >= classes)
          fail<FileError>(path.string(), ": record ", (at - begin) / record, " has label ",
                          static_cast<int>(records_[at]), ", ", format(), " has ", classes,
                          " classes; the file is damaged or of another kind.");
    }
  }

  std::int64_t size() const { return static_cast<std::int64_t>(records_.size() / record_bytes()); }
  int label(std::int64_t i) const { return record(i)[label_bytes() - 1]; }
  Picture picture(std::int64_t i) const {
    Picture result(side, side);
    const std::uint8_t* planes = record(i) + label_bytes();
    for (int p = 0; p < pixels; ++p)
      for (int c = 0; c < 3; ++c) result.data()[3 * p + c] = planes[c * pixels + p];
    return result;
  }
  const std::vector<std::string>& class_names() const { return names_; }
  std::string describe() const {
    return text(format(), ": ", size(), " pictures of 32x32 pixels, ", names_.size(), " classes");
  }

 private:
  static const std::vector<std::string>& ten_names() {
    static const std::vector<std::string> names = {
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
    return names;
  }
  const char* format() const { return kind_ == Kind::ten ? "CIFAR-10" : "CIFAR-100"; }
  std::size_t label_bytes() const { return kind_ == Kind::ten ? 1 : 2; }
  std::size_t record_bytes() const { return label_bytes() + 3 * pixels; }
  const std::uint8_t* record(std::int64_t i) const { return records_.data() + i * record_bytes(); }

  Kind kind_;
  std::vector<std::string> names_;
  std::vector<std::uint8_t> records_;
};

namespace detail {

/// One class name per line, or nothing when there is no such file.
inline std::vector<std::string> read_names(const std::filesystem::path& path) {
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

}  // namespace detail

/// A folder with data_batch_1.bin .. 5 and test_batch.bin.
inline constexpr DataFormat cifar_10_format = {
    .name = "CIFAR-10",
    .archive_folder = "cifar-10-batches-bin",
    .find =
        [](const std::filesystem::path& folder, Split split) {
          return detail::if_file(folder /
                                 (split == Split::train ? "data_batch_1.bin" : "test_batch.bin"));
        },
    .open =
        [](const SplitPaths& found, Split split, const DecodeLimits&) {
          const std::filesystem::path folder = found.of(split).parent_path();
          std::vector<std::filesystem::path> files = {found.of(split)};
          if (split == Split::train)
            for (int i = 2; i <= 5; ++i) files.push_back(folder / text("data_batch_", i, ".bin"));
          return AnyDataset(
              Cifar(Cifar::Kind::ten, files, detail::read_names(folder / "batches.meta.txt")));
        }};

/// A folder with train.bin and test.bin.
inline constexpr DataFormat cifar_100_format = {
    .name = "CIFAR-100",
    .archive_folder = "cifar-100-binary",
    .find =
        [](const std::filesystem::path& folder, Split split) {
          return detail::if_file(folder / (split == Split::train ? "train.bin" : "test.bin"));
        },
    .open =
        [](const SplitPaths& found, Split split, const DecodeLimits&) {
          const std::filesystem::path names = found.of(split).parent_path() /
                                              "fine_label_names.txt";
          return AnyDataset(
              Cifar(Cifar::Kind::hundred, {found.of(split)}, detail::read_names(names)));
        }};

}  // namespace arvit
