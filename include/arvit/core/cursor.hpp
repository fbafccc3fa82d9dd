// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include "arvit/core/rows.hpp"

namespace arvit {

/// Walks a flat parameter buffer and hands out typed views, in the order in which the layers list
/// their tensors. Matrices and vectors may live in different buffers of the same layout: products
/// read matrices in the weight type, vectors (biases, gamma, beta, tokens) stay in the masters.
template <class M, class V, class S> class Cursor {
 public:
  using Space = S;
  template <int Dim> using MatrixView = Rows<M, Dim, S>;
  template <int Dim> using VectorView = Vector<V, Dim, S>;

  constexpr Cursor(M* matrices, V* vectors, std::int64_t offset = 0)
      : matrices_(matrices), vectors_(vectors), offset_(offset) {}
  template <int Out, int In> constexpr Rows<M, In, S> matrix() {
    return {at(matrices_, advance(std::int64_t{Out} * In)), Out};
  }
  template <int Dim> constexpr Vector<V, Dim, S> vector() {
    return Vector<V, Dim, S>(at(vectors_, advance(Dim)));
  }
  constexpr std::int64_t offset() const { return offset_; }
  constexpr Cursor at(std::int64_t offset) const { return {matrices_, vectors_, offset}; }

 private:
  // Null when only planning.
  template <class T> static constexpr T* at(T* base, std::int64_t offset) {
    return base == nullptr ? nullptr : base + offset;
  }
  constexpr std::int64_t advance(std::int64_t count) {
    offset_ += count;
    return offset_ - count;
  }
  M* matrices_;
  V* vectors_;
  std::int64_t offset_;
};

}  // namespace arvit
