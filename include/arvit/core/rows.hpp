// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

/// Non-owning views. A *space* says who may touch the elements: only the elements of a view in
/// HostSpace can be touched. Widths that a model's type fixes are static (Rows, Vector); primitives
/// take their run-time forms (Matrix, Span), to which the static ones convert, so a kernel is
/// compiled once for all widths.
namespace arvit {

struct HostSpace {};
struct DeviceSpace {};

/// `size` elements, contiguous.
template <class T, class Space = HostSpace> class Span {
 public:
  using Element = T;
  constexpr Span() = default;
  constexpr Span(T* data, std::int64_t size) : data_(data), size_(size) {}
  template <class U>
  requires(std::same_as<const U, T>) constexpr Span(Span<U, Space> other)
      : data_(other.data()), size_(other.size()) {}
  /// Of a container on the host, or a std::span.
  template <class C>
  requires(std::same_as<Space, HostSpace>&& requires(C& container) {
    typename std::remove_cvref_t<C>::value_type;
    { container.data() } -> std::convertible_to<T*>;
  }) constexpr Span(C&& container)
      : data_(container.data()), size_(static_cast<std::int64_t>(container.size())) {}

  constexpr T* data() const { return data_; }
  constexpr std::int64_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr Span part(std::int64_t begin, std::int64_t end) const {
    return {data_ == nullptr ? nullptr : data_ + begin, end - begin};
  }
  constexpr T& operator[](std::int64_t i) const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_[i];
  }
  constexpr T* begin() const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_;
  }
  constexpr T* end() const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_ + size_;
  }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// `rows` x `columns` elements; row r begins at data + r * stride.
template <class T, class Space = HostSpace> class Matrix {
 public:
  using Element = T;
  constexpr Matrix() = default;
  constexpr Matrix(T* data, std::int64_t rows, std::int64_t columns, std::int64_t stride)
      : data_(data), rows_(rows), columns_(columns), stride_(stride) {}
  constexpr Matrix(T* data, std::int64_t rows, std::int64_t columns)
      : Matrix(data, rows, columns, columns) {}
  template <class U>
  requires(std::same_as<const U, T>) constexpr Matrix(Matrix<U, Space> other)
      : Matrix(other.data(), other.rows(), other.columns(), other.stride()) {}

  constexpr T* data() const { return data_; }
  constexpr std::int64_t rows() const { return rows_; }
  constexpr std::int64_t columns() const { return columns_; }
  constexpr std::int64_t stride() const { return stride_; }
  constexpr bool empty() const { return rows_ == 0; }
  constexpr T* operator[](std::int64_t r) const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_ + r * stride_;
  }
  constexpr Matrix slice(std::int64_t begin, std::int64_t end) const {
    return {data_ == nullptr ? nullptr : data_ + begin * stride_, end - begin, columns_, stride_};
  }

 private:
  T* data_ = nullptr;
  std::int64_t rows_ = 0, columns_ = 0, stride_ = 0;
};

/// A vector whose width belongs to a model's type.
template <class T, int Dim, class Space = HostSpace> class Vector {
 public:
  using Element = T;
  static constexpr int dim = Dim;
  constexpr Vector() = default;
  constexpr explicit Vector(T* data) : data_(data) {}
  template <class U>
  requires(std::same_as<const U, T>) constexpr Vector(Vector<U, Dim, Space> other)
      : data_(other.data()) {}

  constexpr T* data() const { return data_; }
  constexpr T& operator[](std::int64_t c) const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_[c];
  }
  template <int Begin, int End> constexpr Vector<T, End - Begin, Space> part() const {
    static_assert(0 <= Begin && Begin < End && End <= Dim,
                  "Vector::part<Begin, End>: the range must lie inside the vector.");
    return Vector<T, End - Begin, Space>(data_ == nullptr ? nullptr : data_ + Begin);
  }
  constexpr operator Span<T, Space>() const { return {data_, Dim}; }
  constexpr operator Span<const T, Space>() const requires(!std::is_const_v<T>) {
    return {data_, Dim};
  }

 private:
  T* data_ = nullptr;
};

/// Packed tokens or a weight matrix: `rows` x Dim, Dim belongs to a model's type; row r begins at
/// data + r * stride.
template <class T, int Dim, class Space = HostSpace> class Rows {
 public:
  using Element = T;
  static constexpr int dim = Dim;
  constexpr Rows() = default;
  constexpr Rows(T* data, std::int64_t rows, std::int64_t stride = Dim)
      : data_(data), rows_(rows), stride_(stride) {}
  template <class U>
  requires(std::same_as<const U, T>) constexpr Rows(Rows<U, Dim, Space> other)
      : Rows(other.data(), other.rows(), other.stride()) {}

  constexpr T* data() const { return data_; }
  constexpr std::int64_t rows() const { return rows_; }
  constexpr std::int64_t stride() const { return stride_; }
  constexpr bool empty() const { return rows_ == 0; }
  constexpr T* operator[](std::int64_t r) const {
    static_assert(std::is_same_v<Space, HostSpace>,
                  "A view of device memory has no element access; use a primitive of the device, "
                  "or for_each.");
    return data_ + r * stride_;
  }
  constexpr Rows slice(std::int64_t begin, std::int64_t end) const {
    return {data_ == nullptr ? nullptr : data_ + begin * stride_, end - begin, stride_};
  }
  /// Channels Begin..End of every row, in place.
  template <int Begin, int End> constexpr Rows<T, End - Begin, Space> columns() const {
    static_assert(0 <= Begin && Begin < End && End <= Dim,
                  "Rows::columns<Begin, End>: the range must lie inside the row.");
    return {data_ == nullptr ? nullptr : data_ + Begin, rows_, stride_};
  }
  constexpr operator Matrix<T, Space>() const { return {data_, rows_, Dim, stride_}; }
  constexpr operator Matrix<const T, Space>() const requires(!std::is_const_v<T>) {
    return {data_, rows_, Dim, stride_};
  }

 private:
  T* data_ = nullptr;
  std::int64_t rows_ = 0, stride_ = Dim;
};

}  // namespace arvit
