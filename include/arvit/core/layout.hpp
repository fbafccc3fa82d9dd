// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/linkage.hpp"

/// Where parameters lie: one flat buffer. A layer lists its parameters once, in the constructor of
///   template <class C> struct Parameters
/// which takes them from a cursor C, one behind another:
///   weight(at.template matrix<Out, In>({"weight", {Init::xavier_uniform}})),
///   bias(at.template bias<Out>({"bias"}))
/// and those of a part under a prefix: norm1(at.in("norm1.")). What walks through it decides what
/// comes of the list: Cursor makes views (cursor.hpp), Counting their number, Listing their names,
/// shapes and starts.
namespace arvit {

/// How a tensor starts. `value` is the fan-out of Xavier (0: the tensor's own), the deviation of a
/// normal, the bound of a uniform.
struct Init {
  enum Kind : char { zeros, ones, xavier_uniform, normal, truncated_normal, uniform } kind = zeros;
  double value = 0;
};

/// What a parameter is. Shape as timm stores it; unused trailing extents are 0. `decay`: whether
/// weight decay applies (matrices and class, mask and query tokens; not biases, norms and
/// positions).
struct TensorSpec {
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
inline std::vector<std::int64_t> stored_shape(const TensorSpec& tensor) {
  return {tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions()};
}
}  // namespace detail

/// A tensor of a flat buffer: its whole name, and where it begins.
struct PlacedTensor {
  std::string name;
  TensorSpec tensor;
  std::int64_t offset;
};

/// What a layer says of one of its tensors. `shape`: as it is stored, where that is not the shape
/// of the view.
struct Described {
  const char* name;
  Init init = {};
  std::array<std::int64_t, 4> shape = {};
};

namespace detail {
/// What is taken from a cursor that makes no views.
struct NoView {};
struct NoViews {
  template <int> using MatrixView = NoView;
  template <int> using VectorView = NoView;
  template <int> using BiasView = NoView;
  using Place = NoView;
};
/// A cursor that lives while what takes from it is made.
template <class C> struct Temporary {
  C at;
  constexpr operator C&() { return at; }
};
}  // namespace detail

/// The number of parameters of a layer.
template <class Layer> constexpr std::int64_t count_of();

/// A cursor that counts.
class Counting : public detail::NoViews {
 public:
  template <int Out, int In> constexpr detail::NoView matrix(const Described&) {
    return take(std::int64_t{Out} * In);
  }
  template <int Dim> constexpr detail::NoView vector(const Described&) { return take(Dim); }
  template <int Dim> constexpr detail::NoView token(const Described&) { return take(Dim); }
  template <int Dim> constexpr detail::NoView bias(const Described&) { return take(Dim); }
  constexpr Counting& in(const char*) { return *this; }
  template <bool Has> constexpr decltype(auto) in_if(const char* prefix) {
    if constexpr (Has)
      return in(prefix);
    else
      return detail::Temporary<Counting>{};
  }
  template <class Layer> constexpr void repeat(int times) { take(times * count_of<Layer>()); }
  constexpr detail::NoView place() const { return {}; }
  constexpr std::int64_t offset() const { return count_; }

 private:
  constexpr detail::NoView take(std::int64_t count) {
    count_ += count;
    return {};
  }
  std::int64_t count_ = 0;
};

template <class Layer> constexpr std::int64_t count_of() {
  Counting at;
  [[maybe_unused]] const typename Layer::template Parameters<Counting> parameters(at);
  return at.offset();
}

/// A cursor that lists the tensors.
class Listing : public detail::NoViews {
 public:
  /// Takes the prefix back when the part is listed.
  class Part {
   public:
    Part(Listing& at, const char* prefix) : at_(at), before_(at.prefix_.size()) {
      at_.prefix_ += prefix;
    }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { at_.prefix_.resize(before_); }
    operator Listing&() { return at_; }

   private:
    Listing& at_;
    std::size_t before_;
  };

  template <int Out, int In> detail::NoView matrix(const Described& tensor) {
    return add(tensor, {Out, In}, true);
  }
  template <int Dim> detail::NoView vector(const Described& tensor) {
    return add(tensor, {Dim}, false);
  }
  template <int Dim> detail::NoView token(const Described& tensor) {
    return add(tensor, {1, 1, Dim}, true);
  }
  template <int Dim> detail::NoView bias(const Described& tensor) {
    return add(tensor, {Dim}, false);
  }
  Part in(const char* prefix) { return {*this, prefix}; }
  template <bool Has> auto in_if(const char* prefix) {
    if constexpr (Has)
      return in(prefix);
    else
      return detail::Temporary<Listing>{};
  }
  template <class Layer> void repeat(int times) {
    for (number_ = 0; number_ < times; ++number_) {
      [[maybe_unused]] const typename Layer::template Parameters<Listing> parameters(*this);
    }
  }
  detail::NoView place() const { return {}; }
  std::vector<PlacedTensor>& tensors() { return tensors_; }

 private:
  detail::NoView add(const Described& described, const std::array<std::int64_t, 4>& shape,
                     bool decay);
  std::vector<PlacedTensor> tensors_;
  std::string prefix_;
  int number_ = 0;  ///< of the repetition, which "{}" in a prefix stands for
};

/// The tensors of a layer, in the order of the buffer.
template <class Layer> std::vector<PlacedTensor> tensors_of() {
  Listing at;
  typename Layer::template Parameters<Listing> parameters(at);
  return std::move(at.tensors());
}

/// `Depth` layers of one type: the parameters of one behind those of another. Nothing here grows
/// with Depth.
template <class Layer, int Depth> struct Repeated {
  static constexpr int depth = Depth;
  template <class C> struct Parameters {
    constexpr explicit Parameters(C& at) : first_(at.place()) { at.template repeat<Layer>(Depth); }
    /// Of layer `i`, from 0.
    constexpr auto operator[](int i) const {
      C at = first_.at(first_.offset() + i * count_of<Layer>());
      return typename Layer::template Parameters<C>(at);
    }

   private:
    typename C::Place first_;
  };
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/core/impl/layout.ipp"
#endif
