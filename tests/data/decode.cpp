// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/decode.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "arvit/data/exif.hpp"
#include "support/encode_picture.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test;

namespace {

/// Smooth, and different in every corner and channel.
Bytes smooth(int height, int width, int channels) {
  Bytes samples;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        samples.push_back(
            static_cast<std::uint8_t>(40 + 150 * y / height + 50 * x / width - 10 * c));
  return samples;
}

int largest_difference(const Picture& a, const Bytes& b) {
  REQUIRE(static_cast<std::size_t>(3 * a.height() * a.width()) == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i)
    largest = std::max(largest, std::abs(a.row(0)[i] - b[i]));
  return largest;
}

Bytes repeated(const Bytes& grey) {
  Bytes rgb;
  for (const std::uint8_t v : grey) rgb.insert(rgb.end(), 3, v);
  return rgb;
}

Picture decoded(const Bytes& file) { return decode_picture(file, "x"); }
std::string complaint(const Bytes& file, DecodeLimits limits = {}) {
  return message_of<FileError>([&] { decode_picture(file, "x.jpg", limits); });
}

constexpr int height = 21, width = 34;

}  // namespace

TEST_CASE("decode: JPEG in RGB, grey, baseline and progressive") {
  const Bytes rgb = smooth(height, width, 3), grey = smooth(height, width, 1);
  for (const bool progressive : {false, true}) {
    CHECK(largest_difference(decoded(encode_jpeg(rgb, height, width, {.progressive = progressive})),
                             rgb) <= 4);
    CHECK(largest_difference(decoded(encode_jpeg(rgb, height, width,
                                                 {.stored = JCS_RGB, .progressive = progressive})),
                             rgb) <= 4);
    CHECK(largest_difference(
              decoded(encode_jpeg(grey, height, width,
                                  {.colour = JCS_GRAYSCALE, .progressive = progressive})),
              repeated(grey)) <= 4);
  }
}

TEST_CASE("decode: JPEG in CMYK and YCCK") {
  const Bytes inks = smooth(height, width, 4);  // as stored: 255 - ink
  Bytes expected;
  for (std::size_t i = 0; i < inks.size(); i += 4)
    for (std::size_t c = 0; c < 3; ++c)
      expected.push_back(static_cast<std::uint8_t>(std::lround(inks[i + c] * inks[i + 3] / 255.0)));
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK})
    CHECK(largest_difference(
              decoded(encode_jpeg(inks, height, width, {.colour = JCS_CMYK, .stored = stored})),
              expected) <= 5);
}

TEST_CASE("decode: the EXIF orientation is applied") {
  const Bytes rgb = smooth(height, width, 3);
  const Picture stored = decoded(encode_jpeg(rgb, height, width));
  for (int orientation = 1; orientation <= 9; ++orientation)
    for (const bool big_endian : {false, true}) {
      CAPTURE(orientation);
      const Picture picture = decoded(
          encode_jpeg(rgb, height, width, {.orientation = orientation, .big_endian = big_endian}));
      const Picture expected = oriented(stored, orientation);
      REQUIRE(picture.height() == (orientation >= 5 && orientation <= 8 ? width : height));
      CHECK(std::equal(picture.row(0), picture.row(0) + 3 * height * width, expected.row(0)));
    }
}

TEST_CASE("exif_orientation: damaged blocks count as none") {
  const Bytes block = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3,
                       0,   1,   0,  0, 0, 6, 0, 0, 0, 0, 0,    0, 0};
  CHECK(exif_orientation(block) == 6);
  for (std::size_t size = 0; size < 22; ++size)
    CHECK(exif_orientation(std::span(block).first(size)) == 1);
  for (std::size_t i = 0; i < block.size(); ++i)
    for (const int value : {0, 1, 127, 255}) {
      Bytes other = block;
      other[i] = static_cast<std::uint8_t>(value);
      const int orientation = exif_orientation(other);
      CHECK((orientation >= 1 && orientation <= 8));
    }
}

TEST_CASE("decode: PNG of every colour type and depth, exactly") {
  const Bytes rgb = smooth(height, width, 3), grey = smooth(height, width, 1);
  for (const bool interlaced : {false, true}) {
    CHECK(largest_difference(decoded(encode_png(rgb, height, width, {.interlaced = interlaced})),
                             rgb) == 0);
    CHECK(largest_difference(
              decoded(encode_png(grey, height, width,
                                 {.colour = PNG_COLOR_TYPE_GRAY, .interlaced = interlaced})),
              repeated(grey)) == 0);
  }
  Bytes rgba, grey_alpha, rgb16, grey16;
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    rgba.push_back(rgb[i]);
    if (i % 3 == 2)
      rgba.push_back(static_cast<std::uint8_t>(i));  // alpha is dropped, whatever it is
    rgb16.push_back(rgb[i]);
    rgb16.push_back(0xff);  // the lower 8 bits are dropped, not rounded
  }
  for (std::size_t i = 0; i < grey.size(); ++i) {
    grey_alpha.push_back(grey[i]);
    grey_alpha.push_back(static_cast<std::uint8_t>(3 * i));
    grey16.push_back(grey[i]);
    grey16.push_back(0x80);
  }
  CHECK(largest_difference(
            decoded(encode_png(rgba, height, width, {.colour = PNG_COLOR_TYPE_RGBA})), rgb) == 0);
  CHECK(largest_difference(
            decoded(encode_png(grey_alpha, height, width, {.colour = PNG_COLOR_TYPE_GRAY_ALPHA})),
            repeated(grey)) == 0);
  CHECK(largest_difference(decoded(encode_png(rgb16, height, width, {.depth = 16})), rgb) == 0);
  CHECK(largest_difference(decoded(encode_png(grey16, height, width,
                                              {.colour = PNG_COLOR_TYPE_GRAY, .depth = 16})),
                           repeated(grey)) == 0);

  const std::vector<png_color> palette = {{1, 2, 3}, {250, 100, 50}, {9, 8, 7}, {60, 70, 80}};
  const Bytes four_pixels = {0b00'01'10'11},
              looked_up = {1, 2, 3, 250, 100, 50, 9, 8, 7, 60, 70, 80};
  CHECK(largest_difference(
            decoded(encode_png(four_pixels, 1, 4,
                               {.colour = PNG_COLOR_TYPE_PALETTE, .depth = 2, .palette = palette})),
            looked_up) == 0);
  CHECK(largest_difference(decoded(encode_png(four_pixels, 1, 4,
                                              {.colour = PNG_COLOR_TYPE_PALETTE,
                                               .depth = 2,
                                               .palette = palette,
                                               .transparency = {0, 9}})),
                           looked_up) == 0);
  CHECK(largest_difference(
            decoded(encode_png(four_pixels, 1, 4, {.colour = PNG_COLOR_TYPE_GRAY, .depth = 2})),
            {0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255}) == 0);
}

TEST_CASE("decode: a file cut anywhere is an error that names it") {
  const Bytes rgb = smooth(64, 64, 3);
  for (const Bytes& whole :
       {encode_jpeg(rgb, 64, 64), encode_jpeg(rgb, 64, 64, {.progressive = true}),
        encode_png(rgb, 64, 64)})
    for (std::size_t part = 0; part < 16; ++part) {
      CAPTURE(part);
      const Bytes cut(whole.begin(),
                      whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * part / 16));
      CHECK(complaint(cut).find("x.jpg: ") == 0);
    }
  Bytes cut = encode_jpeg(rgb, 64, 64);
  cut.resize(cut.size() / 2);
  CHECK(complaint(cut) ==
        "x.jpg: the JPEG picture is damaged or cut (Premature end of JPEG file); replace or delete "
        "the file, or let bad files "
        "be skipped.");
}

TEST_CASE("decode: damage at any byte gives a picture or a FileError, nothing else") {
  const Bytes rgb = smooth(16, 16, 3);
  for (const Bytes& whole :
       {encode_jpeg(rgb, 16, 16, {.orientation = 6}),
        encode_jpeg(rgb, 16, 16, {.progressive = true}), encode_png(rgb, 16, 16)})
    for (std::size_t i = 0; i < whole.size(); ++i)
      for (const int value : {0, 0x7f, 0xff}) {
        Bytes damaged = whole;
        damaged[i] = static_cast<std::uint8_t>(value);
        const std::string message = message_of<FileError>(
            [&] { decode_picture(damaged, "x", {.pixels = 1 << 20}); });
        CHECK((message.empty() || message.find("x: ") == 0));
      }
}

TEST_CASE("decode: harmless junk between segments is tolerated") {
  const Bytes rgb = smooth(16, 16, 3);
  Bytes file = encode_jpeg(rgb, 16, 16);
  for (std::size_t i = 2; i + 1 < file.size(); ++i)
    if (file[i] == 0xff && file[i + 1] == 0xdb) {  // before the first quantisation table
      file.insert(file.begin() + static_cast<std::ptrdiff_t>(i), {1, 2, 3});
      break;
    }
  CHECK(largest_difference(decoded(file), rgb) <= 4);
}

TEST_CASE("decode: other kinds of file and absurd extents are refused") {
  CHECK(complaint({}) == "x.jpg: the file is empty, expected a JPEG or PNG picture.");
  CHECK(complaint({'G', 'I', 'F', '8', '9', 'a'}) ==
        "x.jpg: neither a JPEG nor a PNG picture but GIF by its first bytes; convert it to one of "
        "the two.");
  CHECK(complaint({1, 2, 3}) ==
        "x.jpg: neither a JPEG nor a PNG picture; convert it to one of the two.");
  const Bytes rgb = smooth(16, 16, 3);
  CHECK(complaint(encode_jpeg(rgb, 16, 16), {.pixels = 255}) ==
        "x.jpg: the header says 16x16 pixels, the limit is 255 in all; the file is damaged, or "
        "DecodeLimits::pixels must be "
        "raised.");
  CHECK(complaint(encode_png(rgb, 16, 16), {.pixels = 255}).find("the limit is 255") !=
        std::string::npos);
  CHECK(complaint(encode_png(rgb, 16, 16), {.pixels = 256}).empty());
}

TEST_CASE("read_picture: by content, not by name; missing files and folders are named") {
  TemporaryFolder folder;
  const Bytes rgb = smooth(16, 16, 3);
  write_bytes(folder / "really.png.jpg", encode_png(rgb, 16, 16));
  CHECK(largest_difference(read_picture(folder / "really.png.jpg"), rgb) == 0);
  const auto complains = [&](const std::filesystem::path& path) {
    return message_of<FileError>([&] { read_picture(path); });
  };
  CHECK(complains(folder / "none.jpg") ==
        (folder / "none.jpg").string() + ": does not exist; check the path.");
  CHECK(complains(folder.path()) ==
        folder.path().string() + ": is a folder, a file was expected; check the path.");
}
