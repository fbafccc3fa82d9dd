// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/png.hpp"

/// Pictures of results: grids of pictures, heat maps, short labels.
namespace arvit {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend constexpr bool operator==(const Colour&, const Colour&) = default;
};
inline constexpr Colour black{0, 0, 0}, white{255, 255, 255};

/// A colour for t in [0, 1], from dark violet over blue and green to bright yellow; other values
/// are clamped, NaN is grey. Equal steps of t look equally large, also in grey: the path is a line
/// of lightness and a bow of hue and chroma in OKLab (Ottosson 2020, whose matrices these are).
inline Colour heat_colour(double t) {
  if (std::isnan(t)) return {128, 128, 128};
  t = std::clamp(t, 0.0, 1.0);
  constexpr double pi = 3.14159265358979323846;
  const double lightness = 0.22 + 0.72 * t, hue = (310 - 200 * t) * pi / 180;
  const double chroma = 0.096 + 0.09 * t * t * t * t;  // as much as sRGB holds all along that way
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  // sRGB (IEC 61966-2-1).
  const auto encoded = [](double linear) {
    linear = std::clamp(linear, 0.0, 1.0);
    const double value = linear <= 0.0031308 ? 12.92 * linear
                                             : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
    return static_cast<std::uint8_t>(std::lround(255 * value));
  };
  return {encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

/// RGB pixels to draw on. What leaves the canvas is cut off.
class Canvas {
 public:
  Canvas(int height, int width, Colour colour = white) : height_(height), width_(width) {
    if (height <= 0 || width <= 0)
      fail<ShapeError>("Canvas: ", height, "x", width,
                       " pixels (height x width); both must be positive.");
    samples_.resize(std::int64_t{3} * height * width);
    fill(0, 0, height, width, colour);
  }

  int height() const { return height_; }
  int width() const { return width_; }
  operator Pixels() const {
    return {samples_.data(), height_, width_, 3, std::int64_t{3} * width_};
  }
  Colour at(int y, int x) const {
    const std::uint8_t* sample = samples_.data() + offset(y, x);
    return {sample[0], sample[1], sample[2]};
  }
  void set(int y, int x, Colour colour) {
    if (y < 0 || y >= height_ || x < 0 || x >= width_) return;
    std::uint8_t* sample = samples_.data() + offset(y, x);
    sample[0] = colour.red;
    sample[1] = colour.green;
    sample[2] = colour.blue;
  }
  void fill(int top, int left, int height, int width, Colour colour) {
    for (int y = std::max(top, 0); y < std::min(top + height, height_); ++y)
      for (int x = std::max(left, 0); x < std::min(left + width, width_); ++x) set(y, x, colour);
  }
  /// Puts a picture, each pixel `scale` x `scale` large, with its corner at (top, left).
  void draw(const Pixels& picture, int top, int left, int scale = 1) {
    for (int y = 0; y < picture.height; ++y)
      for (int x = 0; x < picture.width; ++x) {
        const std::uint8_t* sample = picture.row(y) + x * picture.channels;
        const int last = picture.channels - 1;  // grey: one sample for all three
        fill(top + y * scale, left + x * scale, scale, scale,
             {sample[0], sample[std::min(1, last)], sample[last]});
      }
  }
  /// Writes digits, letters (as capitals) and -+.,:/%=()<>_ in letters of 3 x 5 squares; others
  /// stay blank. See label_width.
  void label(std::string_view text, int top, int left, Colour colour = black, int scale = 2);

 private:
  std::int64_t offset(int y, int x) const { return 3 * (std::int64_t{y} * width_ + x); }
  int height_, width_;
  std::vector<std::uint8_t> samples_;
};

inline constexpr int label_height(int scale = 2) { return 5 * scale; }
inline constexpr int label_width(std::string_view text, int scale = 2) {
  return text.empty() ? 0 : (4 * static_cast<int>(text.size()) - 1) * scale;
}

namespace detail {
/// Five octal digits, one per row from the top; the bits of a digit are the squares of a row, 4 the
/// left one.
constexpr std::uint16_t glyph(char c) {
  constexpr std::array<std::uint16_t, 10> digits{075557, 026227, 071747, 071717, 055711,
                                                 074717, 074757, 071122, 075757, 075717};
  constexpr std::array<std::uint16_t, 26> letters{
      025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,
      011152, 055655, 044447, 057755, 065555, 025552, 065644, 025573, 065655,
      034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247};
  constexpr std::string_view signs = "-+.,:;/%=()<>_";
  constexpr std::array<std::uint16_t, 14> sign_glyphs{000700, 002720, 000002, 000024, 002020,
                                                      002024, 011244, 051245, 007070, 012221,
                                                      042224, 012421, 042124, 000007};
  if ('0' <= c && c <= '9') return digits[c - '0'];
  if ('a' <= c && c <= 'z') return letters[c - 'a'];
  if ('A' <= c && c <= 'Z') return letters[c - 'A'];
  const auto place = signs.find(c);
  return place == std::string_view::npos ? std::uint16_t{0} : sign_glyphs[place];
}
}  // namespace detail

inline void Canvas::label(std::string_view text, int top, int left, Colour colour, int scale) {
  for (const char c : text) {
    for (int square = 0; square < 15; ++square)
      if ((detail::glyph(c) >> (14 - square)) & 1)
        fill(top + square / 3 * scale, left + square % 3 * scale, scale, scale, colour);
    left += 4 * scale;
  }
}

/// Pictures of any sizes in a grid of `columns` cells per row, `margin` pixels around each, each
/// pixel `scale` x `scale` large.
inline Canvas tile(std::span<const Pixels> pictures, int columns, int margin = 4, int scale = 1,
                   Colour background = white) {
  if (pictures.empty() || columns <= 0 || margin < 0 || scale <= 0)
    fail<ShapeError>("tile: ", pictures.size(), " pictures in ", columns, " columns, margin ",
                     margin, ", scale ", scale,
                     "; there must be a picture, a column and a positive scale.");
  int cell_height = 0, cell_width = 0;
  for (const Pixels& picture : pictures) {
    cell_height = std::max(cell_height, picture.height * scale);
    cell_width = std::max(cell_width, picture.width * scale);
  }
  const int count = static_cast<int>(pictures.size());
  const int used_columns = std::min(columns, count), rows = (count + columns - 1) / columns;
  Canvas canvas(margin + rows * (cell_height + margin),
                margin + used_columns * (cell_width + margin), background);
  for (int i = 0; i < count; ++i)
    canvas.draw(pictures[i], margin + i / columns * (cell_height + margin),
                margin + i % columns * (cell_width + margin), scale);
  return canvas;
}

/// A matrix in colours from its smallest finite value (dark) to its largest (bright), each value a
/// square of `scale` pixels.
inline Canvas heat_map(std::span<const float> values, int height, int width, int scale = 1) {
  if (height <= 0 || width <= 0 || scale <= 0 ||
      static_cast<std::int64_t>(values.size()) != std::int64_t{height} * width)
    fail<ShapeError>("heat_map: ", values.size(), " values for ", height, "x", width,
                     " squares of ", scale, " pixels; each square needs one value.");
  float low = INFINITY, high = -INFINITY;
  for (const float value : values)
    if (std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  Canvas canvas(height * scale, width * scale);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double value = values[std::int64_t{y} * width + x];
      // When all are equal they are dark; what is not finite stays so.
      const double t = high > low ? (value - low) / (double{high} - low) : value - low;
      canvas.fill(y * scale, x * scale, scale, scale, heat_colour(t));
    }
  return canvas;
}

}  // namespace arvit
