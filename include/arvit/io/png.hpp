// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string_view>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

/// 8-bit samples of a picture, interleaved: channels is 1 (grey) or 3 (RGB). Does not own them.
struct Pixels {
  const std::uint8_t* data = nullptr;
  int height = 0, width = 0, channels = 3;
  std::int64_t stride = 0;  ///< bytes from one row to the next
  const std::uint8_t* row(int y) const { return data + y * stride; }
};

namespace detail {

inline void append_big_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Length, type, data, CRC-32 of type and data (PNG 1.2, section 3.2).
inline void append_png_chunk(Bytes& png, std::string_view type, const Bytes& data) {
  append_big_endian(png, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = png.size();
  png.insert(png.end(), type.begin(), type.end());
  png.insert(png.end(), data.begin(), data.end());
  append_big_endian(png, static_cast<std::uint32_t>(
                             crc32(0, png.data() + begin, static_cast<uInt>(png.size() - begin))));
}

/// Paeth's predictor (PNG 1.2, section 6.6): which of left, above and corner (upper left) is
/// nearest to left + above - corner; of equally near ones the first.
inline std::uint8_t paeth(int left, int above, int corner) {
  const int to_left = std::abs(above - corner), to_above = std::abs(left - corner);
  const int to_corner = std::abs(left + above - 2 * corner);
  return static_cast<std::uint8_t>(to_left <= to_above && to_left <= to_corner ? left
                                   : to_above <= to_corner                     ? above
                                                                               : corner);
}

/// Every row after its filter's number, the bytes less what the filter predicts of them (PNG 1.2,
/// chapter 6: nothing, left, above, their mean, Paeth). Chosen is the filter whose differences, as
/// signed bytes, have the smallest sum of magnitudes, as section 9.6 advises.
inline Bytes filtered_rows(const Pixels& pixels) {
  const int samples = pixels.width * pixels.channels, step = pixels.channels;
  const Bytes blank(samples);
  Bytes rows;
  rows.reserve(static_cast<std::size_t>(pixels.height) * (blank.size() + 1));
  std::array<Bytes, 5> tries;
  tries.fill(blank);
  for (int y = 0; y < pixels.height; ++y) {
    const std::uint8_t* const row = pixels.row(y);
    const std::uint8_t* const above = y > 0 ? pixels.row(y - 1) : blank.data();
    std::array<std::int64_t, 5> sums{};
    for (int i = 0; i < samples; ++i) {
      const int left = i >= step ? row[i - step] : 0;
      const int up = above[i];
      const int corner = i >= step ? above[i - step] : 0;
      const std::array<int, 5> predicted{0, left, up, (left + up) / 2, paeth(left, up, corner)};
      for (std::size_t f = 0; f < 5; ++f) {
        const auto difference = static_cast<std::uint8_t>(row[i] - predicted[f]);
        tries[f][i] = difference;
        sums[f] += std::abs(static_cast<std::int8_t>(difference));
      }
    }
    std::size_t best = 0;
    for (std::size_t f = 1; f < 5; ++f)
      if (sums[f] < sums[best]) best = f;
    rows.push_back(static_cast<std::uint8_t>(best));
    rows.insert(rows.end(), tries[best].begin(), tries[best].end());
  }
  return rows;
}

}  // namespace detail

/// The bytes of a PNG file. Extents that are not positive, or more than a gigabyte of samples,
/// throw ShapeError.
inline Bytes encode_png(const Pixels& pixels) {
  if (pixels.height <= 0 || pixels.width <= 0 || (pixels.channels != 1 && pixels.channels != 3) ||
      std::int64_t{pixels.height} * pixels.width > (1 << 30) / pixels.channels)
    fail<ShapeError>("png: a picture of ", pixels.height, "x", pixels.width,
                     " pixels (height x width) with ", pixels.channels,
                     " channels cannot be written; it needs positive extents, at most 2^30 samples "
                     "and 1 or 3 channels.");
  const Bytes rows = detail::filtered_rows(pixels);
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  Bytes packed(size);
  if (compress2(packed.data(), &size, rows.data(), static_cast<uLong>(rows.size()), 6) != Z_OK)
    throw std::bad_alloc();
  packed.resize(size);

  constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes png(signature.begin(), signature.end()), header;
  detail::append_big_endian(header, static_cast<std::uint32_t>(pixels.width));
  detail::append_big_endian(header, static_cast<std::uint32_t>(pixels.height));
  const std::uint8_t colour_type = pixels.channels == 3 ? 2 : 0;
  // Bits per sample, colour type, deflate, adaptive filters, not interlaced.
  header.insert(header.end(), {8, colour_type, 0, 0, 0});
  detail::append_png_chunk(png, "IHDR", header);
  detail::append_png_chunk(png, "IDAT", packed);
  detail::append_png_chunk(png, "IEND", {});
  return png;
}

inline void write_png(const std::filesystem::path& path, const Pixels& pixels) {
  write_atomically(path, encode_png(pixels));
}

}  // namespace arvit
