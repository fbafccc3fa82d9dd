// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"

namespace arvit {

/// More is no data set but an attack on memory.
inline constexpr std::size_t gzip_limit = 1ull << 32;

/// The contents of a file, decompressed when they begin with gzip's two magic bytes (RFC 1952;
/// several members in a row are one text). A cut or corrupt file throws FileError.
inline Bytes read_gzip(const std::filesystem::path& path) {
  const Bytes packed = read_file(path);
  if (packed.size() < 2 || packed[0] != 0x1f || packed[1] != 0x8b) return packed;
  const auto damaged = [&](auto... what) {
    fail<FileError>(path.string(), ": ", what...,
                    "; the file is damaged, copy or download it again.");
  };

  struct Inflater : z_stream {
    Inflater() : z_stream{} {
      // 15: the largest window; 16: a gzip header, and nothing else.
      if (inflateInit2(this, 15 + 16) != Z_OK) throw std::bad_alloc();
    }
    ~Inflater() { inflateEnd(this); }
  } stream;
  constexpr std::size_t step = 1 << 30;  // zlib counts in 32 bits
  stream.next_in = const_cast<Bytef*>(packed.data());
  const std::uint8_t* const packed_end = packed.data() + packed.size();
  Bytes result(std::min(gzip_limit, 4 * packed.size() + 1024));
  std::size_t size = 0;
  for (;;) {
    if (size == result.size() && size == gzip_limit)
      damaged("holds more than ", gzip_limit, " bytes once decompressed");
    if (size == result.size()) result.resize(std::min(gzip_limit, 2 * size));
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed_end - stream.next_in, step));
    const auto room = static_cast<uInt>(std::min(result.size() - size, step));
    stream.next_out = result.data() + size;
    stream.avail_out = room;
    const int code = inflate(&stream, Z_NO_FLUSH);
    size += room - stream.avail_out;
    if (code == Z_STREAM_END) {
      if (stream.next_in == packed_end) break;
      inflateReset(&stream);
    } else if (code == Z_BUF_ERROR) {  // there is room, but no input
      damaged("is gzip data that ends too early, after ", size, " bytes of contents");
    } else if (code == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (code != Z_OK) {
      damaged("is not valid gzip data after ", size, " bytes of contents",
              stream.msg != nullptr ? text(" (", static_cast<const char*>(stream.msg), ")") : "");
    }
  }
  result.resize(size);
  return result;
}

}  // namespace arvit
