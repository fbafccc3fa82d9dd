// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "arvit/core/linkage.hpp"

/// Where parameters lie: one flat buffer, every name, shape and offset known to the compiler.
/// Nothing here grows with depth: a group of tensors that repeats is listed once.
namespace arvit {

/// A short string that constant expressions can build and join.
struct Name {
  std::array<char, 64> text{};
  std::size_t size = 0;
  constexpr Name() = default;
  constexpr Name(const std::array<char, 64>& of, std::size_t count)
      : text(of), size(count) {}  // as nvcc writes a template argument
  constexpr Name(const char* literal) { *this += std::string_view(literal); }
  constexpr Name& operator+=(std::string_view part) {
    for (const char c : part) text[size++] = c;
    return *this;
  }
  constexpr std::string_view view() const { return {text.data(), size}; }
  friend constexpr Name operator+(Name a, const Name& b) { return a += b.view(); }
};

/// How a tensor starts. `value` is the fan-out of Xavier (0: the tensor's own), the deviation of a
/// normal, the bound of a uniform.
struct Init {
  enum Kind : char { zeros, ones, xavier_uniform, normal, truncated_normal, uniform } kind = zeros;
  double value = 0;
};

/// One parameter. Shape as timm stores it; unused trailing extents are 0. `decay`: whether weight
/// decay applies (matrices and class, mask and query tokens; not biases, not norms).
struct Tensor {
  Name name;
  std::array<std::int64_t, 4> shape{};
  Init init;
  bool decay = false;
  constexpr int dimensions() const {
    int count = 0;
    while (count < 4 && shape[count] != 0) ++count;
    return count;
  }
  constexpr std::int64_t size() const {
    std::int64_t product = 1;
    for (int i = 0; i < dimensions(); ++i) product *= shape[i];
    return product;
  }
};

namespace detail {
/// The shape of a tensor as files hold it, without unused extents.
inline std::vector<std::int64_t> stored_shape(const Tensor& tensor) {
  return {tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions()};
}
}  // namespace detail

template <std::size_t N> using Tensors = std::array<Tensor, N>;

template <std::size_t N> constexpr Tensors<N> prefixed(const char* prefix, Tensors<N> tensors) {
  for (Tensor& tensor : tensors) tensor.name = Name(prefix) + tensor.name;
  return tensors;
}

template <std::size_t... N> constexpr auto join(const Tensors<N>&... lists) {
  Tensors<(N + ... + 0)> all;
  std::size_t next = 0;
  [[maybe_unused]] const auto take = [&](const auto& list) {
    for (const Tensor& tensor : list) all[next++] = tensor;
  };
  (take(lists), ...);
  return all;
}

/// Tensors that occur `repeat` times; the prefix of a repeated group holds "{}", the number of the
/// repetition.
template <std::size_t N> struct Group {
  Name prefix;
  Tensors<N> tensors;
  int repeat = 1;
  constexpr std::int64_t stride() const {
    std::int64_t total = 0;
    for (const Tensor& tensor : tensors) total += tensor.size();
    return total;
  }
  constexpr std::int64_t size() const { return stride() * repeat; }
};

template <std::size_t N> Group(Name, Tensors<N>, int = 1) -> Group<N>;

/// A tensor of a flat buffer: its whole name, and where it begins.
struct PlacedTensor {
  std::string name;
  Tensor tensor;
  std::int64_t offset;
};

namespace detail {
void place(const Name& prefix, std::span<const Tensor> tensors, int repeat,
           std::vector<PlacedTensor>& all);
}  // namespace detail

/// Every tensor of a tuple of groups, in the order of the buffer.
template <class Groups> std::vector<PlacedTensor> placed_tensors(const Groups& groups) {
  std::vector<PlacedTensor> all;
  std::apply(
      [&](const auto&... group) {
        (detail::place(group.prefix, group.tensors, group.repeat, all), ...);
      },
      groups);
  return all;
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/core/impl/layout.ipp"
#endif
