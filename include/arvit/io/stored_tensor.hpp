// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"

/// A tensor as a file holds it: name, element type, shape, bytes.
namespace arvit {

static_assert(std::endian::native == std::endian::little,
              "io: the file formats are little-endian, and so must the machine be.");

/// Element types by their names in safetensors.
enum class StoredType : char { BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 };

namespace detail {
struct StoredTypeInfo {
  std::string_view name;
  int bytes;
};
// clang-format off
inline constexpr std::array<StoredTypeInfo, 13> stored_types{{
    {"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2}, {"BF16", 2},
    {"U32", 4}, {"I32", 4}, {"F32", 4}, {"U64", 8}, {"I64", 8}, {"F64", 8}}};
// clang-format on
/// IEEE 754 binary16, only ever read.
struct Half {
  std::uint16_t bits;
};
}  // namespace detail

constexpr std::string_view name_of(StoredType type) {
  return detail::stored_types[static_cast<std::size_t>(type)].name;
}
constexpr std::int64_t bytes_of(StoredType type) {
  return detail::stored_types[static_cast<std::size_t>(type)].bytes;
}
constexpr std::optional<StoredType> stored_type_named(std::string_view name) {
  for (std::size_t i = 0; i < detail::stored_types.size(); ++i)
    if (detail::stored_types[i].name == name) return static_cast<StoredType>(i);
  return std::nullopt;
}

/// The type in which elements of the C++ type T are stored.
template <class T> constexpr StoredType stored_type() {
  if constexpr (std::same_as<T, bf16>)
    return StoredType::BF16;
  else if constexpr (std::floating_point<T>) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8,
                  "stored_type<T>: float and double are stored, long double is not.");
    return sizeof(T) == 4 ? StoredType::F32 : StoredType::F64;
  } else {
    static_assert(std::integral<T>,
                  "stored_type<T>: T must be bf16, a floating-point type or an integer.");
    if (std::same_as<T, bool>) return StoredType::BOOL;
    const bool is_signed = std::is_signed_v<T>;
    if (sizeof(T) == 1) return is_signed ? StoredType::I8 : StoredType::U8;
    if (sizeof(T) == 2) return is_signed ? StoredType::I16 : StoredType::U16;
    if (sizeof(T) == 4) return is_signed ? StoredType::I32 : StoredType::U32;
    return is_signed ? StoredType::I64 : StoredType::U64;
  }
}

/// Does not own its bytes.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::F32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::int64_t size() const { return static_cast<std::int64_t>(bytes.size()) / bytes_of(type); }
};

/// The bytes that `shape` takes, or nothing when an extent is negative or the product overflows.
inline std::optional<std::int64_t> stored_bytes(StoredType type,
                                                std::span<const std::int64_t> shape) {
  std::int64_t bytes = bytes_of(type);
  for (const std::int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  return bytes;
}

/// Names the elements of `data` for writing; they must outlive the result.
template <class T>
StoredTensor stored_tensor(std::string name, std::vector<std::int64_t> shape, const T* data) {
  constexpr StoredType type = stored_type<T>();
  const auto bytes = stored_bytes(type, shape);
  if (!bytes)
    fail<ShapeError>(name, ": its shape ", shape_text(shape),
                     " is negative or too large; extents count elements.");
  const std::span<const std::byte> elements(reinterpret_cast<const std::byte*>(data), *bytes);
  return {std::move(name), type, std::move(shape), elements};
}

namespace detail {

inline float to_float(Half half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half.bits & 0x8000u) << 16,
                      magnitude = half.bits & 0x7fffu;
  const bool subnormal = magnitude < 0x0400u;
  if (subnormal)
    return std::copysign(static_cast<float>(magnitude) * 0x1p-24f, sign != 0 ? -1.0f : 1.0f);
  // Exponents are biased by 15 and 127; 31 marks infinity and NaN.
  const std::uint32_t bits = (magnitude << 13) +
                             (magnitude >= 0x7c00u ? (255u - 31u) << 23 : (127u - 15u) << 23);
  return std::bit_cast<float>(sign | bits);
}
inline float to_float(bf16 value) { return static_cast<float>(value); }

/// Calls visit(T{}) with the C++ type of `type`.
template <class Visit> decltype(auto) with_stored_type(StoredType type, Visit&& visit) {
  switch (type) {
    case StoredType::I8:
      return visit(std::int8_t{});
    case StoredType::U16:
      return visit(std::uint16_t{});
    case StoredType::I16:
      return visit(std::int16_t{});
    case StoredType::F16:
      return visit(Half{});
    case StoredType::BF16:
      return visit(bf16{});
    case StoredType::U32:
      return visit(std::uint32_t{});
    case StoredType::I32:
      return visit(std::int32_t{});
    case StoredType::F32:
      return visit(float{});
    case StoredType::U64:
      return visit(std::uint64_t{});
    case StoredType::I64:
      return visit(std::int64_t{});
    case StoredType::F64:
      return visit(double{});
    default:
      return visit(std::uint8_t{});  // BOOL and U8
  }
}

/// to = value, rounded to nearest when T is a floating-point type; false when an integer T cannot
/// hold it.
template <class T, class From> bool convert(From value, T& to) {
  if constexpr (std::same_as<From, T>)
    to = value;
  else if constexpr (std::is_class_v<From>)
    return convert(to_float(value), to);
  else if constexpr (std::same_as<T, bf16>)
    to = bf16(static_cast<float>(value));
  else if constexpr (std::floating_point<T>)
    to = static_cast<T>(value);
  else if constexpr (std::integral<From>) {
    if (!std::in_range<T>(value)) return false;
    to = static_cast<T>(value);
  } else
    return false;
  return true;
}

/// to[i] = element i of the tensor; false when a value does not fit.
template <class T> bool convert_elements(const StoredTensor& tensor, T* to) {
  return with_stored_type(tensor.type, [&]<class From>(From) {
    const std::byte* from = tensor.bytes.data();  // of any alignment
    for (std::int64_t i = 0; i < tensor.size(); ++i, from += sizeof(From)) {
      From element;
      std::memcpy(&element, from, sizeof(From));
      if (!convert(element, to[i])) return false;
    }
    return true;
  });
}

}  // namespace detail

}  // namespace arvit
