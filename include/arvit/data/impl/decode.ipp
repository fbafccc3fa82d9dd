// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/data/decode.hpp"

#include <jerror.h>
#include <jpeglib.h>
#include <png.h>
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/exif.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

namespace detail {

/// libjpeg and libpng report errors by a callback that must not return. The callbacks jump back
/// into one of the short functions below that call setjmp; those hold no object with a destructor,
/// and only after they return is anything thrown.
struct DecodeEscape {
  std::jmp_buf target;
  char message[256] = "";
  [[noreturn]] void leave(const char* text) {
    std::snprintf(message, sizeof message, "%s", text);
    std::longjmp(target, 1);
  }
};

[[noreturn]] inline void fail_damaged(std::string_view name, std::string_view kind,
                                      const char* reason) {
  fail<FileError>(name, ": the ", kind, " picture is damaged or cut (", reason,
                  "); replace or delete the file, or let bad files be skipped.");
}

inline void check_extents(std::string_view name, std::int64_t height, std::int64_t width,
                          const DecodeLimits& limits) {
  if (height <= 0 || width <= 0 || height > limits.pixels / width)
    fail<FileError>(name, ": the header says ", height, "x", width, " pixels, the limit is ",
                    limits.pixels,
                    " in all; the file is damaged, or DecodeLimits::pixels must be raised.");
}

/// One JPEG file through libjpeg, step by step; each step is false where the file is bad, and
/// message() says why.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { leave(info); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      // After a warning (a negative level) libjpeg would go on and paint the rest grey.
      if (level < 0 && !harmless(info->err->msg_code)) leave(info);
    };
    progress_.progress_monitor = [](j_common_ptr info) {
      // A progressive file of a few bytes per scan could keep us for hours.
      constexpr int most_scans = 500;
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans)
        self(info).escape_.leave("more than 500 scans");
    };
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(const std::uint8_t* bytes, std::size_t size) {
    if (setjmp(escape_.target) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes, static_cast<unsigned long>(size));
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = four_inks() ? JCS_CMYK : JCS_RGB;
    return true;
  }
  bool start() {
    if (setjmp(escape_.target) != 0) return false;
    jpeg_start_decompress(&info_);
    return true;
  }
  bool read_row(std::uint8_t* row) {
    if (setjmp(escape_.target) != 0) return false;
    jpeg_read_scanlines(&info_, &row, 1);
    return true;
  }
  bool finish() {
    if (setjmp(escape_.target) != 0) return false;
    jpeg_finish_decompress(&info_);
    return true;
  }

  bool four_inks() const {
    return info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
  }
  std::int64_t height() const { return info_.image_height; }
  std::int64_t width() const { return info_.image_width; }
  const char* message() const { return escape_.message; }
  int orientation() const {
    static constexpr char exif[6] = {'E', 'x', 'i', 'f', 0, 0};
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next)
      if (marker->data_length > sizeof exif && std::memcmp(marker->data, exif, sizeof exif) == 0)
        return exif_orientation({marker->data + sizeof exif, marker->data_length - sizeof exif});
    return 1;
  }

 private:
  static JpegReader& self(j_common_ptr info) {
    return *static_cast<JpegReader*>(info->client_data);
  }
  [[noreturn]] static void leave(j_common_ptr info) {
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    self(info).escape_.leave(text);
  }
  /// Warnings after which every pixel is still the encoder's.
  static bool harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  DecodeEscape escape_;
};

/// A row of CMYK, stored as 255 - ink (Adobe's convention), as RGB: with light = 255 - key,
///   rgb = light - ink * light / 255.
inline void inks_to_rgb(const std::uint8_t* inks, std::uint8_t* rgb, std::int64_t width) {
  // a * b / 255, rounded, without a division (Blinn 1995).
  const auto times = [](int a, int b) {
    const int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
  };
  for (std::int64_t x = 0; x < width; ++x)
    for (int c = 0; c < 3; ++c) {
      const int light = inks[4 * x + 3];
      rgb[3 * x + c] = static_cast<std::uint8_t>(
          std::max(light - times(255 - inks[4 * x + c], light), 0));
    }
}

inline Picture decode_jpeg(std::span<const std::uint8_t> bytes, std::string_view name,
                           const DecodeLimits& limits) {
  JpegReader reader;
  const auto require = [&](bool good) {
    if (!good) fail_damaged(name, "JPEG", reader.message());
  };
  require(reader.read_header(bytes.data(), bytes.size()));
  check_extents(name, reader.height(), reader.width(), limits);
  Picture picture(static_cast<int>(reader.height()), static_cast<int>(reader.width()));
  const int orientation = reader.orientation();  // before finish(), which frees the markers
  std::vector<std::uint8_t> inks(reader.four_inks() ? std::int64_t{4} * picture.width() : 0);
  require(reader.start());
  for (int y = 0; y < picture.height(); ++y) {
    require(reader.read_row(inks.empty() ? picture.row(y) : inks.data()));
    if (!inks.empty()) inks_to_rgb(inks.data(), picture.row(y), picture.width());
  }
  require(reader.finish());
  return oriented(std::move(picture), orientation);
}

/// The same for a PNG file and libpng. 16-bit samples lose their lower byte, alpha is dropped, grey
/// and palettes become RGB.
class PngReader {
 public:
  explicit PngReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, &escape_,
        [](png_structp png, png_const_charp text) {
          static_cast<DecodeEscape*>(png_get_error_ptr(png))->leave(text);
        },
        [](png_structp, png_const_charp) {});
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool read_header() {
    if (info_ == nullptr) return false;
    if (setjmp(escape_.target) != 0) return false;
    png_set_read_fn(png_, &rest_, [](png_structp png, png_bytep to, std::size_t size) {
      auto& rest = *static_cast<std::span<const std::uint8_t>*>(png_get_io_ptr(png));
      if (size > rest.size()) png_error(png, "the file ends too early");
      std::memcpy(to, rest.data(), size);
      rest = rest.subspan(size);
    });
    png_read_info(png_, info_);
    return true;
  }
  bool start() {
    if (setjmp(escape_.target) != 0) return false;
    if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if ((png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) == 0) {
      if (png_get_bit_depth(png_, info_) < 8) png_set_expand_gray_1_2_4_to_8(png_);
      png_set_gray_to_rgb(png_);
    }
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != std::size_t{3} * png_get_image_width(png_, info_))
      escape_.leave("an unknown kind of colour");
    return true;
  }
  bool read_rows(std::uint8_t** rows) {
    if (setjmp(escape_.target) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, info_);
    return true;
  }

  std::int64_t height() const { return png_get_image_height(png_, info_); }
  std::int64_t width() const { return png_get_image_width(png_, info_); }
  const char* message() const { return escape_.message; }
  int orientation() const {
#ifdef PNG_eXIf_SUPPORTED
    png_uint_32 size = 0;
    png_bytep data = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &data) != 0 && data != nullptr)
      return exif_orientation({data, size});
#endif
    return 1;
  }

 private:
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::span<const std::uint8_t> rest_;
  DecodeEscape escape_;
};

inline Picture decode_png(std::span<const std::uint8_t> bytes, std::string_view name,
                          const DecodeLimits& limits) {
  PngReader reader(bytes);
  const auto require = [&](bool good) {
    if (!good) fail_damaged(name, "PNG", reader.message());
  };
  require(reader.read_header());
  check_extents(name, reader.height(), reader.width(), limits);
  Picture picture(static_cast<int>(reader.height()), static_cast<int>(reader.width()));
  std::vector<std::uint8_t*> rows(picture.height());
  for (int y = 0; y < picture.height(); ++y) rows[y] = picture.row(y);
  require(reader.start());
  require(reader.read_rows(rows.data()));
  return oriented(std::move(picture), reader.orientation());
}

}  // namespace detail

ARVIT_DEFINITION Picture decode_picture(std::span<const std::uint8_t> bytes, std::string_view name,
                                        const DecodeLimits& limits) {
  const auto begins_with = [&](std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
  };
  if (bytes.empty()) fail<FileError>(name, ": the file is empty, expected a JPEG or PNG picture.");
  if (begins_with("\xff\xd8\xff")) return detail::decode_jpeg(bytes, name, limits);
  if (begins_with("\x89PNG\r\n\x1a\n")) return detail::decode_png(bytes, name, limits);
  const char* kind = begins_with("GIF8")                       ? "GIF"
                     : begins_with("BM")                       ? "BMP"
                     : begins_with("RIFF")                     ? "WebP"
                     : begins_with("II*") || begins_with("MM") ? "TIFF"
                                                               : nullptr;
  fail<FileError>(name, ": neither a JPEG nor a PNG picture",
                  kind == nullptr ? "" : text(" but ", kind, " by its first bytes"),
                  "; convert it to one of the two.");
}

ARVIT_DEFINITION Picture read_picture(const std::filesystem::path& path,
                                      const DecodeLimits& limits) {
  return decode_picture(read_file(path), path.string(), limits);
}

}  // namespace arvit
