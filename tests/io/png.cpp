// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/png.hpp"

#include <doctest/doctest.h>
#include <png.h>

#include <set>

#include "arvit/core/random.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;

namespace {

/// Decodes with libpng; empty when it complains.
Bytes decoded(const Bytes& png, png_uint_32 format, unsigned height, unsigned width) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, png.data(), png.size())) return {};
  CHECK(image.height == height);
  CHECK(image.width == width);
  CHECK(image.format == format);
  Bytes pixels(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr)) return {};
  return pixels;
}

}  // namespace

TEST_CASE("png: libpng reads the same pixels, whichever filters were chosen") {
  Stream stream({.seed = 1});
  std::set<int> filters;
  for (const int channels : {1, 3})
    for (const auto& [height, width] : {std::pair(1, 1), std::pair(7, 5), std::pair(64, 33)}) {
      const int samples = width * channels;
      Bytes pixels(height * samples);
      for (int y = 0; y < height; ++y)
        for (int i = 0; i < samples;
             ++i)  // noise, rows that repeat, ramps: each suits another filter
          pixels[y * samples + i] = static_cast<std::uint8_t>(y % 16 < 4    ? stream.bits()
                                                              : y % 16 < 8  ? i * i
                                                              : y % 16 < 12 ? 3 * i + 5 * y
                                                                            : (i * y) / 3);
      const Bytes rows = detail::filtered_rows({pixels.data(), height, width, channels, samples});
      for (int y = 0; y < height; ++y) filters.insert(rows[y * (samples + 1)]);
      const Bytes png = encode_png({pixels.data(), height, width, channels, samples});
      CHECK((decoded(png, channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY,
                     static_cast<unsigned>(height), static_cast<unsigned>(width)) == pixels));
    }
  CHECK(filters == std::set<int>{0, 1, 2, 3, 4});
  CHECK(detail::paeth(14, 8, 10) == 14);  // ties: left before upper left,
  CHECK(detail::paeth(8, 14, 10) == 14);  // above before upper left
}

TEST_CASE("png: rows may lie apart, and files are whole") {
  const TemporaryFolder folder;
  const Bytes memory{1, 2, 3, 99, 4, 5, 6, 99};
  const Pixels pixels{memory.data(), 2, 1, 3, 4};
  CHECK((decoded(encode_png(pixels), PNG_FORMAT_RGB, 2, 1) == Bytes{1, 2, 3, 4, 5, 6}));
  write_png(folder / "a.png", pixels);
  CHECK((read_file(folder / "a.png") == encode_png(pixels)));
}

TEST_CASE("png: what no PNG can hold is refused") {
  const Bytes memory(16);
  CHECK(message_of<ShapeError>([&] {
          encode_png({memory.data(), 0, 4, 1, 4});
        }).find("a picture of 0x4 pixels (height x width) with 1 channels") != std::string::npos);
  CHECK_THROWS_AS(encode_png({memory.data(), 2, 2, 4, 8}), ShapeError);
  CHECK_THROWS_AS(encode_png({memory.data(), 1 << 30, 1 << 30, 1, 4}), ShapeError);
}
