// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/picture.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/mapped_file.hpp"

namespace arvit {

/// STL-10 in the binary version (Coates, Ng and Lee 2011): in one file 96 x 96 red, green and blue
/// bytes a picture, each of the three column by column; in another one byte a label, counted from
/// 1. The pictures stay in their file, which is mapped.
class Stl10 {
 public:
  static constexpr int side = 96, pixels = side * side, classes = 10;

  /// Where `labels` is empty, no picture has one. A size that is no multiple of a picture, another
  /// number of labels, or a label that is not 1 .. 10 throws FileError.
  explicit Stl10(const std::filesystem::path& pictures, const std::filesystem::path& labels = {})
      : file_(pictures) {
    const std::size_t bytes = file_.bytes().size();
    if (bytes % picture_bytes != 0)
      fail<FileError>(pictures.string(), ": ", bytes, " bytes, expected a multiple of ",
                      picture_bytes, " (one picture of STL-10); download it again.");
    if (labels.empty()) return;
    labels_ = read_file(labels);
    if (std::ssize(labels_) != size())
      fail<FileError>(labels.string(), ": ", labels_.size(), " labels for the ", size(),
                      " pictures of ", pictures.filename().string(),
                      "; the two files do not belong together.");
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i] < 1 || labels_[i] > classes)
        fail<FileError>(labels.string(), ": picture ", i, " has label ", int{labels_[i]},
                        ", STL-10 has 1 to ", classes, "; the file is damaged or of another kind.");
  }

  std::int64_t size() const {
    return static_cast<std::int64_t>(file_.bytes().size() / picture_bytes);
  }
  int label(std::int64_t i) const { return labels_.empty() ? -1 : labels_[i] - 1; }
  Picture picture(std::int64_t i) const {
    Picture result(side, side);
    const auto planes = file_.bytes().subspan(i * picture_bytes, picture_bytes);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        for (int c = 0; c < 3; ++c)
          result.row(y)[3 * x + c] = std::to_integer<std::uint8_t>(
              planes[c * pixels + x * side + y]);
    return result;
  }
  std::vector<std::string> class_names() const {
    if (labels_.empty()) return {};
    return {"airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"};
  }
  std::string describe() const {
    return text("STL-10: ", size(), " pictures of 96x96 pixels, ",
                labels_.empty() ? "no labels" : text(int{classes}, " classes"));
  }

 private:
  static constexpr std::size_t picture_bytes = 3 * pixels;

  MappedFile file_;
  Bytes labels_;
};

/// A folder with train_X.bin, train_y.bin, test_X.bin and test_y.bin; or one file of pictures, such
/// as unlabeled_X.bin, which has no labels.
inline constexpr DataFormat stl10_format = {
    .name = "STL-10",
    .archive_folder = "stl10_binary",
    .find =
        [](const std::filesystem::path& folder, Split split) {
          return detail::if_file(folder / (split == Split::train ? "train_X.bin" : "test_X.bin"));
        },
    .open =
        [](const SplitPaths& found, Split split, const DecodeLimits&) {
          const std::filesystem::path& pictures = found.of(split);
          std::string name = pictures.filename().string();
          if (name == "unlabeled_X.bin") return AnyDataset(Stl10(pictures));
          name.replace(name.find("_X.bin"), 6, "_y.bin");
          return AnyDataset(Stl10(pictures, pictures.parent_path() / name));
        },
    .file = "pictures of STL-10 (unlabeled_X.bin)",
    .is_file =
        [](const std::filesystem::path& file) {
          return file.filename().string().ends_with("_X.bin");
        }};

}  // namespace arvit
