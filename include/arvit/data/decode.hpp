// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "arvit/core/linkage.hpp"
#include "arvit/data/picture.hpp"

/// JPEG and PNG files to 8-bit RGB, the way the Python Imaging Library's convert("RGB") makes it:
/// grey is repeated, CMYK and YCCK become RGB by (255 - ink)(255 - black) / 255, palettes are
/// looked up, alpha is dropped, of 16 bits the upper 8 are kept. The EXIF orientation is applied.
/// The kind of a file is read from its first bytes, never from its name.
namespace arvit {

struct DecodeLimits {
  std::int64_t pixels = std::int64_t{1}
                        << 27;  ///< a header may say anything; above this the file is refused
};

/// Decodes the content of a JPEG or PNG file. `name` appears in the message of the FileError that
/// anything else throws.
Picture decode_picture(std::span<const std::uint8_t> bytes, std::string_view name,
                       const DecodeLimits& limits = {});

/// Reads and decodes one JPEG or PNG file. A missing, foreign, damaged or absurdly large file
/// throws FileError.
Picture read_picture(const std::filesystem::path& path, const DecodeLimits& limits = {});

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/data/impl/decode.ipp"
#endif
