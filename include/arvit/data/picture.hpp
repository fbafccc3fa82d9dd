// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "arvit/core/error.hpp"

namespace arvit {

/// A rectangle of a picture, in pixels.
struct Box {
  int top = 0, left = 0, height = 0, width = 0;
  friend constexpr bool operator==(const Box&, const Box&) = default;
};

/// 8-bit RGB, interleaved: the three bytes of pixel (y, x) begin at data + y * stride + 3 * x. Does
/// not own them.
struct PictureView {
  const std::uint8_t* data = nullptr;
  int height = 0, width = 0;
  std::int64_t stride = 0;  ///< bytes from one row to the next

  const std::uint8_t* row(int y) const { return data + y * stride; }
  bool empty() const { return height <= 0 || width <= 0; }
  /// The pixels of `box` in place; a box that leaves the picture throws ShapeError.
  PictureView crop(const Box& box) const {
    if (box.top < 0 || box.left < 0 || box.height < 0 || box.width < 0 ||
        box.height > height - box.top || box.width > width - box.left)
      fail<ShapeError>("crop: the box of ", box.height, "x", box.width, " pixels at row ", box.top,
                       ", column ", box.left, " leaves the picture of ", height, "x", width,
                       " (height x width).");
    return {row(box.top) + 3 * box.left, box.height, box.width, stride};
  }
};

/// A PictureView that owns its pixels, without gaps between rows.
class Picture {
 public:
  Picture() = default;
  Picture(int height, int width) { reshape(height, width); }
  explicit Picture(PictureView other) : Picture(other.height, other.width) {
    for (int y = 0; y < height_; ++y) std::copy_n(other.row(y), 3 * width_, row(y));
  }

  int height() const { return height_; }
  int width() const { return width_; }
  std::uint8_t* data() { return pixels_.data(); }
  std::uint8_t* row(int y) { return pixels_.data() + std::int64_t{3} * width_ * y; }
  const std::uint8_t* row(int y) const { return pixels_.data() + std::int64_t{3} * width_ * y; }
  /// Sets the extents; the pixels are then unspecified. Keeps its memory when that suffices.
  void reshape(int height, int width) {
    if (height < 0 || width < 0)
      fail<ShapeError>("Picture: ", height, "x", width, " pixels; extents cannot be negative.");
    height_ = height;
    width_ = width;
    pixels_.resize(std::int64_t{3} * height * width);
  }
  operator PictureView() const {
    return {pixels_.data(), height_, width_, std::int64_t{3} * width_};
  }

 private:
  int height_ = 0, width_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// The picture as it is to be seen, given the EXIF tag Orientation (TIFF 6.0, tag 274). Values 5 to
/// 8 exchange height and width.
inline Picture oriented(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  // Tag value - 1 -> does the stored picture have its rows and columns exchanged, then read from
  // the bottom, from the right?
  struct Way {
    bool exchange, bottom, right;
  };
  static constexpr std::array<Way, 8> ways{{{false, false, false},
                                            {false, false, true},
                                            {false, true, true},
                                            {false, true, false},
                                            {true, false, false},
                                            {true, true, false},
                                            {true, true, true},
                                            {true, false, true}}};
  const auto [exchange, bottom, right] = ways[orientation - 1];
  const int height = picture.height(), width = picture.width();
  Picture result(exchange ? width : height, exchange ? height : width);
  for (int y = 0; y < result.height(); ++y)
    for (int x = 0; x < result.width(); ++x) {
      const int v = exchange ? x : y, u = exchange ? y : x;
      std::copy_n(picture.row(bottom ? height - 1 - v : v) + 3 * (right ? width - 1 - u : u), 3,
                  result.row(y) + 3 * x);
    }
  return result;
}

}  // namespace arvit
