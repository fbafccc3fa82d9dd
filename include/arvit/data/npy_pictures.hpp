// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/data_format.hpp"
#include "arvit/data/picture.hpp"
#include "arvit/io/mapped_file.hpp"
#include "arvit/io/npy.hpp"

namespace arvit {

/// Pictures as one NumPy array of bytes: RGB [count, height, width, 3] or grey [count, height,
/// width], also with a last extent of 1, which is repeated in the three channels. Labels are an
/// array [count] or [count, 1] of uint8 or int64. The pictures stay in their file, which is mapped;
/// labels are held in memory.
class NpyPictures {
 public:
  /// Without `labels` no picture has one. Other shapes, types or numbers throw FileError.
  explicit NpyPictures(const std::filesystem::path& pictures,
                       const std::optional<std::filesystem::path>& labels = std::nullopt)
      : file_(pictures) {
    const std::string name = pictures.string();
    const NpyLayout layout = read_npy_layout<std::uint8_t>(file_, name);
    check_shape(layout, name);
    count_ = static_cast<std::int64_t>(layout.shape[0]);
    height_ = static_cast<int>(layout.shape[1]);
    width_ = static_cast<int>(layout.shape[2]);
    channels_ = layout.shape.size() == 4 ? static_cast<int>(layout.shape[3]) : 1;
    offset_ = layout.offset;
    if (labels) read_labels(*labels, pictures.filename().string());
  }

  std::int64_t size() const { return count_; }
  int label(std::int64_t i) const { return labels_.empty() ? -1 : labels_[i]; }
  Picture picture(std::int64_t i) const {
    Picture result(height_, width_);
    const std::int64_t pixels = std::int64_t{height_} * width_;
    const auto bytes = file_.bytes().subspan(offset_ + i * pixels * channels_);
    if (channels_ == 3) {
      std::memcpy(result.data(), bytes.data(), 3 * pixels);
      return result;
    }
    for (std::int64_t p = 0; p < pixels; ++p)
      for (int c = 0; c < 3; ++c)
        result.data()[3 * p + c] = std::to_integer<std::uint8_t>(bytes[p]);
    return result;
  }
  const std::vector<std::string>& class_names() const { return names_; }
  std::string describe() const {
    return text("npy: ", count_, channels_ == 3 ? " colour" : " grey", " pictures of ", height_,
                "x", width_, " pixels, ",
                labels_.empty() ? "no labels" : text(names_.size(), " classes"));
  }

 private:
  static constexpr std::size_t largest_side = 65535;
  static constexpr std::int64_t most_classes = 1'000'000;

  static void check_shape(const NpyLayout& layout, const std::string& name) {
    const auto& shape = layout.shape;
    const auto refuse = [&](const auto&... why) {
      fail<FileError>(name, ": holds an array ", shape_text(shape), ", ", why...);
    };
    if (layout.column_major) refuse("in Fortran order; save numpy.ascontiguousarray of it.");
    if (shape.size() == 4 && shape[3] != 1 && shape[3] != 3 && (shape[1] == 1 || shape[1] == 3))
      refuse("whose channels come first; save its transpose(0, 2, 3, 1).");
    const bool has_channels = shape.size() == 4 && (shape[3] == 1 || shape[3] == 3);
    if (shape.size() != 3 && !has_channels)
      refuse("no pictures; RGB is [pictures, height, width, 3], grey [pictures, height, width].");
    if (shape[0] == 0 || shape[1] == 0 || shape[2] == 0) refuse("that is no pixel.");
    if (shape[1] > largest_side || shape[2] > largest_side)
      refuse("but pictures have at most ", largest_side, " pixels on a side.");
  }

  void read_labels(const std::filesystem::path& path, const std::string& pictures) {
    const MappedFile file(path);
    const std::string name = path.string();
    if (npy_holds<std::uint8_t>(file, name))
      copy_labels<std::uint8_t>(file, name, pictures);
    else
      copy_labels<std::int64_t>(file, name, pictures);
    const int classes = 1 + *std::max_element(labels_.begin(), labels_.end());
    for (int c = 0; c < classes; ++c) names_.push_back(std::to_string(c));
  }

  template <class T>
  void copy_labels(const MappedFile& file, const std::string& name, const std::string& pictures) {
    const NpyLayout layout = read_npy_layout<T>(file, name);
    const auto& shape = layout.shape;
    if (!(shape.size() == 1 || (shape.size() == 2 && shape[1] == 1)))
      fail<FileError>(name, ": holds an array ", shape_text(shape),
                      ", labels are [pictures]: one class for each, counted from 0.");
    if (static_cast<std::int64_t>(shape[0]) != count_)
      fail<FileError>(name, ": ", shape[0], " labels for the ", count_, " pictures of ", pictures,
                      "; the two files do not belong together.");
    const std::byte* from = file.bytes().data() + layout.offset;
    labels_.resize(shape[0]);
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      T label;
      std::memcpy(&label, from + i * sizeof(T), sizeof(T));
      if (label < 0 || static_cast<std::int64_t>(label) >= most_classes)
        fail<FileError>(name, ": picture ", i, " has label ", std::int64_t{label},
                        "; labels are classes, counted from 0, below ", most_classes, ".");
      labels_[i] = static_cast<int>(label);
    }
  }

  MappedFile file_;
  std::int64_t count_ = 0;
  int height_ = 0, width_ = 0, channels_ = 3;
  std::size_t offset_ = 0;  ///< bytes of the file before the first picture
  std::vector<int> labels_;
  std::vector<std::string> names_;
};

namespace detail {

/// The array of pictures in `folder`, under the names in use; empty when there is none.
inline std::filesystem::path npy_pictures(const std::filesystem::path& folder, Split split) {
  for (const char* part :
       {split == Split::train ? "train" : "test", split == Split::train ? "train" : "val"})
    if (const auto path = folder / text(part, "_images.npy"); is_file(path)) return path;
  return {};
}

/// The array of pictures with the labels beside it: "labels" instead of "images" or "data" in its
/// name, else labels.npy. Without them no picture has a label.
inline NpyPictures open_npy(const std::filesystem::path& pictures) {
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

}  // namespace detail

/// A folder with train_images.npy, and test_images.npy or val_images.npy for the test split; or one
/// file of any name, .npy. Labels lie beside it: train_labels.npy for train_images.npy,
/// v6_labels.npy for v6_data.npy, or labels.npy.
inline constexpr DataFormat npy_format = {
    .name = "npy files",
    .find = detail::npy_pictures,
    .open = [](const SplitPaths& found, Split split,
               const DecodeLimits&) { return AnyDataset(detail::open_npy(found.of(split))); },
    .file = "an array of pictures (.npy)",
    .is_file = [](const std::filesystem::path& file) { return file.extension() == ".npy"; }};

}  // namespace arvit
