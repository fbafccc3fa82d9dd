// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <jpeglib.h>
#include <png.h>

#include "arvit/io/file.hpp"

/// Writers of every kind of JPEG and PNG that the decoder must read.
namespace arvit::test {

struct JpegKind {
  J_COLOR_SPACE colour =
      JCS_RGB;  ///< of the samples given: JCS_RGB, JCS_GRAYSCALE or JCS_CMYK (as stored: 255 - ink)
  J_COLOR_SPACE stored = JCS_YCbCr;
  bool progressive = false;
  int orientation = 0;      ///< 0: no EXIF block
  bool big_endian = false;  ///< byte order of that block
  int quality = 95;
};

/// `samples`: height x width x channels of the colour space.
inline Bytes encode_jpeg(const Bytes& samples, int height, int width, JpegKind kind = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);  // exits the program on an error: none is expected
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_height = static_cast<JDIMENSION>(height);
  info.image_width = static_cast<JDIMENSION>(width);
  info.in_color_space = kind.colour;
  info.input_components = kind.colour == JCS_GRAYSCALE ? 1 : kind.colour == JCS_CMYK ? 4 : 3;
  jpeg_set_defaults(&info);
  if (kind.colour != JCS_GRAYSCALE) jpeg_set_colorspace(&info, kind.stored);
  jpeg_set_quality(&info, kind.quality, TRUE);
  for (int c = 0; c < info.num_components; ++c)
    info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  if (kind.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (kind.orientation != 0) {
    const auto o = static_cast<std::uint8_t>(kind.orientation);
    const Bytes little = {'E',  'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                          0x12, 1,   3,   0,   1, 0, 0,   0,   o,  0, 0, 0, 0, 0, 0, 0};
    const Bytes big = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
                       1,   0x12, 0,   3,   0, 0, 0,   1,   0, o,  0, 0, 0, 0, 0, 0};
    const Bytes& block = kind.big_endian ? big : little;
    jpeg_write_marker(&info, JPEG_APP0 + 1, block.data(), static_cast<unsigned>(block.size()));
  }
  for (int y = 0; y < height; ++y) {
    auto* row = const_cast<std::uint8_t*>(samples.data()) +
                static_cast<std::ptrdiff_t>(y) * width * info.input_components;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes result(memory, memory + size);
  std::free(memory);
  return result;
}

struct PngKind {
  int colour = PNG_COLOR_TYPE_RGB;
  int depth = 8;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  Bytes transparency = {};  ///< alpha of the palette's first entries
};

/// `rows`: the packed bytes of each row, as PNG stores them (16-bit samples big end first).
inline Bytes encode_png(const Bytes& rows, int height, int width, PngKind kind = {}) {
  Bytes result;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) std::abort();
  png_set_write_fn(
      png, &result,
      [](png_structp p, png_bytep data, std::size_t size) {
        auto& to = *static_cast<Bytes*>(png_get_io_ptr(p));
        to.insert(to.end(), data, data + size);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
               kind.depth, kind.colour, kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty())
    png_set_PLTE(png, info, kind.palette.data(), static_cast<int>(kind.palette.size()));
  if (!kind.transparency.empty())
    png_set_tRNS(png, info, kind.transparency.data(), static_cast<int>(kind.transparency.size()),
                 nullptr);
  png_write_info(png, info);
  const int passes = png_set_interlace_handling(png);
  const std::size_t stride = rows.size() / static_cast<std::size_t>(height);
  for (int pass = 0; pass < passes; ++pass)
    for (int y = 0; y < height; ++y)
      png_write_row(png, rows.data() + static_cast<std::size_t>(y) * stride);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return result;
}

}  // namespace arvit::test
