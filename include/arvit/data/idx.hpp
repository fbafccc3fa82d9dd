// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/picture.hpp"
#include "arvit/io/gzip.hpp"

namespace arvit {

/// The format of MNIST and its relatives (LeCun 1998), plain or gzipped, held in memory: 8-bit grey
/// pictures [count, height, width] in one file, one label byte each in another. Header: 0, 0, type
/// (8: unsigned byte), number of extents; then each extent in 32 bits, big end first. Grey is
/// repeated in the three channels.
class Idx {
 public:
  /// Without `labels` no picture has one. Anything but the format above throws FileError.
  explicit Idx(const std::filesystem::path& pictures,
               const std::optional<std::filesystem::path>& labels = std::nullopt,
               std::vector<std::string> names = {})
      : names_(std::move(names)) {
    const std::vector<std::int64_t> shape = read(pictures, 3, pixels_);
    count_ = shape[0];
    if (count_ == 0 || shape[1] == 0 || shape[2] == 0)
      fail<FileError>(pictures.string(), ": holds ", shape_text(shape), " pixels, that is none.");
    if (shape[1] > largest_side || shape[2] > largest_side)
      fail<FileError>(pictures.string(), ": pictures of ", shape[1], "x", shape[2],
                      " pixels; at most ", largest_side, " are expected on a side.");
    height_ = static_cast<int>(shape[1]);
    width_ = static_cast<int>(shape[2]);
    if (!labels) {
      names_.clear();
      return;
    }
    const std::int64_t labelled = read(*labels, 1, labels_)[0];
    if (labelled != count_)
      fail<FileError>(labels->string(), ": ", labelled, " labels for the ", count_, " pictures of ",
                      pictures.filename().string(), "; the two files do not belong together.");
    const std::size_t classes = std::size_t{1} + *std::max_element(labels_.begin(), labels_.end());
    if (!names_.empty() && names_.size() < classes)
      fail<FileError>(labels->string(), ": label ", classes - 1, " occurs, but only ",
                      names_.size(), " class names are known.");
    for (std::size_t c = names_.size(); c < classes; ++c) names_.push_back(std::to_string(c));
  }

  std::int64_t size() const { return count_; }
  int label(std::int64_t i) const { return labels_.empty() ? -1 : labels_[i]; }
  Picture picture(std::int64_t i) const {
    Picture result(height_, width_);
    const std::int64_t pixels = std::int64_t{height_} * width_;
    const std::uint8_t* grey = pixels_.data() + i * pixels;
    for (std::int64_t p = 0; p < pixels; ++p)
      for (int c = 0; c < 3; ++c) result.data()[3 * p + c] = grey[p];
    return result;
  }
  const std::vector<std::string>& class_names() const { return names_; }
  std::string describe() const {
    return text("idx: ", count_, " grey pictures of ", height_, "x", width_, " pixels, ",
                labels_.empty() ? "no labels" : text(names_.size(), " classes"));
  }

 private:
  static constexpr std::int64_t largest_side = 65535;

  /// Reads `path` into `data`, without its header; returns its extents.
  static std::vector<std::int64_t> read(const std::filesystem::path& path, int dimensions,
                                        Bytes& data) {
    data = read_gzip(path);
    const std::size_t header = 4 + 4 * static_cast<std::size_t>(dimensions);
    if (data.size() < 4 || data[0] != 0 || data[1] != 0 || data[2] != 8 || data[3] != dimensions)
      fail<FileError>(path.string(), ": not an idx", dimensions,
                      " file of bytes (it does not begin with 00 00 08 0", dimensions, "); give ",
                      dimensions == 3 ? "the pictures, such as train-images-idx3-ubyte.gz."
                                      : "the labels, such as train-labels-idx1-ubyte.gz.");
    std::vector<std::int64_t> shape;
    const auto size = static_cast<std::int64_t>(data.size());
    // The product of the extents, at most size + 1: three of them can overflow 64 bits.
    std::int64_t expected = 1;
    for (std::size_t at = 4; at < header && header <= data.size(); at += 4) {
      shape.push_back(std::int64_t{data[at]} << 24 | data[at + 1] << 16 | data[at + 2] << 8 |
                      data[at + 3]);
      expected = shape.back() != 0 && expected > size / shape.back() ? size + 1
                                                                     : expected * shape.back();
    }
    if (shape.empty())
      fail<FileError>(path.string(), ": ends inside its header; download it again.");
    if (expected != size - static_cast<std::int64_t>(header))
      fail<FileError>(path.string(), ": the header says ", shape_text(shape), ", but ",
                      data.size() - header,
                      " bytes follow it; the file is cut or damaged, download it again.");
    data.erase(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(header));
    return shape;
  }

  std::int64_t count_ = 0;
  int height_ = 0, width_ = 0;
  Bytes pixels_, labels_;
  std::vector<std::string> names_;
};

namespace detail {

inline std::string lower(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

/// The pictures of a pair of idx files in `folder`, under one of the names in use; empty when there
/// are none.
inline std::filesystem::path idx_pictures(const std::filesystem::path& folder, Split split) {
  for (const char* part :
       {split == Split::train ? "train" : "t10k", split == Split::train ? "train" : "test"})
    for (const char* ending : {"-images-idx3-ubyte.gz", "-images-idx3-ubyte",
                               "-images.idx3-ubyte.gz", "-images.idx3-ubyte"})
      if (is_file(folder / text(part, ending))) return folder / text(part, ending);
  return {};
}

/// The idx file of pictures with the labels beside it; without them no picture has a label.
inline Idx open_idx(const std::filesystem::path& pictures) {
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

}  // namespace detail

/// A folder with train-images-idx3-ubyte(.gz) and its labels, and t10k-... or test-... for the test
/// split; or one such file.
inline constexpr DataFormat idx_format = {
    .name = "idx files (MNIST, Fashion-MNIST)",
    .archive_folder = "raw",
    .find = detail::idx_pictures,
    .open = [](const SplitPaths& found, Split split,
               const DecodeLimits&) { return AnyDataset(detail::open_idx(found.of(split))); },
    .file = "an idx3 file (train-images-idx3-ubyte.gz)",
    .is_file =
        [](const std::filesystem::path& file) {
          return file.filename().string().find("idx3") != std::string::npos;
        }};

}  // namespace arvit
