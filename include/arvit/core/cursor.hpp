// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

#include "arvit/core/layout.hpp"
#include "arvit/core/rows.hpp"

namespace arvit {

/// A bias in both copies of the parameters: `wide` in the masters, `narrow` beside the weights. The
/// narrow one may be absent where nobody reads it.
template <class M, class V, class Space> struct BiasSpans {
  Span<V, Space> wide;
  Span<M, Space> narrow = {};
  constexpr bool empty() const { return wide.empty(); }
  constexpr std::int64_t size() const { return wide.size(); }
};
/// ... whose width belongs to a model's type.
template <class M, class V, int Dim, class Space> struct BiasView {
  Vector<V, Dim, Space> wide;
  Vector<M, Dim, Space> narrow;
  template <int Begin, int End> constexpr BiasView<M, V, End - Begin, Space> part() const {
    return {wide.template part<Begin, End>(), narrow.template part<Begin, End>()};
  }
  constexpr operator BiasSpans<M, V, Space>() const { return {wide, narrow}; }
  constexpr operator Span<V, Space>() const { return wide; }  // gradients have one copy
};

/// Walks a flat parameter buffer and hands out typed views, in the order in which the layers list
/// their tensors. Matrices and vectors may live in different buffers of the same layout: products
/// read matrices in the weight type, vectors (gamma, beta, tokens) stay in the masters, and biases
/// are read in either.
template <class M, class V, class S> class Cursor {
 public:
  using Space = S;
  using Place = Cursor;
  template <int Dim> using MatrixView = Rows<M, Dim, S>;
  template <int Dim> using VectorView = Vector<V, Dim, S>;
  template <int Dim> using BiasView = arvit::BiasView<M, V, Dim, S>;

  constexpr Cursor(M* matrices, V* vectors, std::int64_t offset = 0)
      : matrices_(matrices), vectors_(vectors), offset_(offset) {}
  template <int Out, int In> constexpr Rows<M, In, S> matrix(const Described&) {
    return {at(matrices_, advance(std::int64_t{Out} * In)), Out};
  }
  template <int Dim> constexpr Vector<V, Dim, S> vector(const Described&) {
    return Vector<V, Dim, S>(at(vectors_, advance(Dim)));
  }
  template <int Dim> constexpr Vector<V, Dim, S> token(const Described& tensor) {
    return vector<Dim>(tensor);
  }
  template <int Dim> constexpr BiasView<Dim> bias(const Described&) {
    const std::int64_t place = advance(Dim);
    return {Vector<V, Dim, S>(at(vectors_, place)), Vector<M, Dim, S>(at(matrices_, place))};
  }
  /// A part of a layer, whose names have this prefix.
  constexpr Cursor& in(const char*) { return *this; }
  /// ... which there is only if `Has`; without it, views of nothing.
  template <bool Has> constexpr decltype(auto) in_if(const char* prefix) {
    if constexpr (Has)
      return in(prefix);
    else
      return detail::Temporary<Cursor>{{nullptr, nullptr}};
  }
  /// `times` layers.
  template <class Layer> constexpr void repeat(int times) { advance(times * count_of<Layer>()); }
  constexpr Cursor place() const { return *this; }
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
