// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>

#include "arvit/core/error.hpp"
#include "arvit/core/rows.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/mapped_file.hpp"

/// NumPy's array files, in and out of xtensor. The format is read and written here, not by
/// xtensor's xnpy.hpp, which believes every header (a cut file gives garbage), writes strided views
/// wrongly and is not atomic.
namespace arvit {

template <class T>
concept NpyElement = std::same_as<T, float> || std::same_as<T, double> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint8_t>;

namespace detail {

/// Type codes as in NumPy's array interface: byte order, kind, bytes.
template <NpyElement T> constexpr std::string_view npy_code() {
  if constexpr (std::same_as<T, float>)
    return "<f4";
  else if constexpr (std::same_as<T, double>)
    return "<f8";
  else if constexpr (std::same_as<T, std::int64_t>)
    return "<i8";
  else
    return "|u1";
}

struct NpyHeader {
  std::string code;
  bool column_major = false;
  std::vector<std::size_t> shape;
};

/// Parses {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, keys in any order; nothing
/// when it is anything else.
class NpyHeaderReader {
 public:
  explicit NpyHeaderReader(std::string_view text) : text_(text) {}
  std::optional<NpyHeader> read() {
    NpyHeader header;
    bool code = false, order = false, shape = false;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto key = quoted();
      if (!key || !take(':')) return std::nullopt;
      if (*key == "descr" && !code) {
        const auto value = quoted();
        if (!value) return std::nullopt;
        header.code = *value;
        code = true;
      } else if (*key == "fortran_order" && !order) {
        header.column_major = word("True");
        order = header.column_major || word("False");
      } else if (*key == "shape" && !shape) {
        shape = tuple(header.shape);
      } else {
        return std::nullopt;
      }
      if (!take(',') && !next_is('}')) return std::nullopt;
    }
    next_is('\0');
    return code && order && shape && text_.empty() ? std::optional(header) : std::nullopt;
  }

 private:
  bool next_is(char c) {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \n"), text_.size()));
    return !text_.empty() && text_.front() == c;
  }
  bool take(char c) {
    const bool found = next_is(c);
    text_.remove_prefix(found ? 1 : 0);
    return found;
  }
  bool word(std::string_view expected) {
    const bool found = !next_is('\0') && text_.starts_with(expected);
    text_.remove_prefix(found ? expected.size() : 0);
    return found;
  }
  std::optional<std::string> quoted() {
    const char quote = next_is('"') ? '"' : '\'';
    if (!take(quote)) return std::nullopt;
    const auto end = text_.find(quote);
    if (end == std::string_view::npos) return std::nullopt;
    std::string result(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return result;
  }
  bool tuple(std::vector<std::size_t>& shape) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::int64_t extent = -1;
      next_is('\0');
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) return false;
      text_.remove_prefix(end - text_.data());
      shape.push_back(extent);
      if (!take(',') && !next_is(')')) return false;
    }
    return true;
  }
  std::string_view text_;
};

[[noreturn]] void fail_damaged_npy(const std::string& name, const auto&... what) {
  fail<FileError>(name, ": ", what..., "; the file is damaged or cut, create it again.");
}

/// Magic, version 1.0 and header, padded so that the elements begin at a multiple of 64 bytes.
template <NpyElement T, class Shape> std::string npy_header(const Shape& shape) {
  std::string text = arvit::text("{'descr': '", npy_code<T>(),
                                 "', 'fortran_order': False, 'shape': (");
  for (const auto extent : shape) text += arvit::text(extent, ", ");
  text += "), }";
  constexpr std::size_t before = 10;
  text.resize((before + text.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  text += '\n';
  const std::string length = {static_cast<char>(text.size() & 255),
                              static_cast<char>(text.size() >> 8)};
  return std::string("\x93NUMPY\1\0", 8) + length + text;
}

/// What an npy file says of its elements, and where they begin.
struct NpyStart {
  NpyHeader header;
  std::size_t offset = 0;  ///< bytes before the first element
};
inline NpyStart read_npy_start(const MappedFile& file, const std::string& name) {
  const std::string_view all(reinterpret_cast<const char*>(file.bytes().data()),
                             file.bytes().size());
  const auto byte = [&](std::size_t i) -> std::size_t {
    return static_cast<unsigned char>(all[i]);
  };

  if (!all.starts_with("\x93NUMPY"))
    fail<FileError>(
        name, ": is not an npy file, those begin with '\\x93NUMPY'; save it with numpy.save.");
  const std::size_t before = all.size() > 6 && byte(6) > 1 ? 12 : 10;
  if (all.size() < before)
    fail_damaged_npy(name, "has ", all.size(), " bytes, the fixed part of its header alone takes ",
                     before);
  if (byte(6) < 1 || byte(6) > 3)
    fail<FileError>(name, ": is of npy version ", byte(6), ".", byte(7),
                    ", 1 to 3 can be read; save it with numpy.save.");
  const std::size_t length = byte(8) + 256 * byte(9) +
                             (before == 12 ? (byte(10) << 16) + (byte(11) << 24) : 0);
  if (length > all.size() - before)
    fail_damaged_npy(name, "announces a header of ", length, " bytes, only ", all.size() - before,
                     " follow");
  const auto header = NpyHeaderReader(all.substr(before, length)).read();
  if (!header)
    fail<FileError>(name,
                    ": its header describes no plain array of numbers; save one array with "
                    "numpy.save, without fields or objects.");
  return {*header, before + length};
}

}  // namespace detail

/// Whether the file's elements are of type T.
template <NpyElement T> bool npy_holds(const MappedFile& file, const std::string& name) {
  return detail::read_npy_start(file, name).header.code == detail::npy_code<T>();
}

/// What an npy file of element type T says of itself: its shape, and where its elements begin. All
/// but their values is checked.
struct NpyLayout {
  std::vector<std::size_t> shape;
  bool column_major = false;
  std::size_t offset = 0;  ///< bytes before the first element
};
template <NpyElement T> NpyLayout read_npy_layout(const MappedFile& file, const std::string& name) {
  const auto [header, offset] = detail::read_npy_start(file, name);
  if (header.code != detail::npy_code<T>())
    fail<FileError>(name, ": holds elements of type '", header.code, "', '", detail::npy_code<T>(),
                    "' was expected; convert it with numpy's astype.");

  std::size_t bytes = sizeof(T);
  for (const std::size_t extent : header.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      detail::fail_damaged_npy(name, "has the shape ", shape_text(header.shape),
                               ", more than memory can hold");
  const std::size_t follow = file.bytes().size() - offset;
  if (follow != bytes)
    detail::fail_damaged_npy(name, "has the shape ", shape_text(header.shape), ", which takes ",
                             bytes, " bytes, but ", follow, " follow its header");
  return {header.shape, header.column_major, offset};
}

/// Reads an array of exactly the element type T, in C or Fortran order.
template <NpyElement T> xt::xarray<T> read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  const NpyLayout layout = read_npy_layout<T>(file, path.string());
  const auto data = file.bytes().subspan(layout.offset);
  const auto filled = [&](auto result) -> xt::xarray<T> {
    if (!data.empty()) std::memcpy(result.data(), data.data(), data.size());
    return result;
  };
  if (layout.column_major)
    return filled(xt::xarray<T, xt::layout_type::column_major>(layout.shape));
  return filled(xt::xarray<T>(layout.shape));
}

/// Writes any xtensor expression, atomically and in C order.
template <class E>
requires NpyElement<typename E::value_type>
void write_npy(const std::filesystem::path& path, const xt::xexpression<E>& expression) {
  using T = typename E::value_type;
  const E& array = expression.derived_cast();
  write_atomically(path, [&](AtomicFile& file) {
    file.write(detail::npy_header<T>(array.shape()));
    std::vector<T> block;
    block.reserve(std::size_t{1} << 15);
    const auto flush = [&] {
      file.write(std::as_bytes(std::span(block)));
      block.clear();
    };
    const auto end = array.template end<xt::layout_type::row_major>();
    for (auto element = array.template begin<xt::layout_type::row_major>(); element != end;
         ++element) {
      block.push_back(*element);
      if (block.size() == block.capacity()) flush();
    }
    flush();
  });
}

/// Views of our memory as xtensor arrays: nothing is copied, and writing through them writes to the
/// view's elements.
template <class T> auto as_xtensor(Matrix<T> view) {
  const auto rows = static_cast<std::size_t>(view.rows());
  const auto columns = static_cast<std::size_t>(view.columns());
  // xtensor wants the number of elements here, not the extent of the memory in which they lie.
  return xt::adapt(view.data(), rows * columns, xt::no_ownership(), std::array{rows, columns},
                   std::array{static_cast<std::ptrdiff_t>(view.stride()), std::ptrdiff_t{1}});
}
template <class T, int Dim> auto as_xtensor(Rows<T, Dim> view) {
  return as_xtensor(Matrix<T>(view));
}
template <class T> auto as_xtensor(Span<T> view) {
  const auto size = static_cast<std::size_t>(view.size());
  return xt::adapt(view.data(), size, xt::no_ownership(), std::array{size});
}

}  // namespace arvit
