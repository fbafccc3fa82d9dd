// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>

#include "arvit/core/error.hpp"
#include "arvit/core/rows.hpp"

/// What the operations of a device are made of.
///
/// An operation is an aggregate of views and numbers, made with named members and given to a
/// device:
///   device.run(ops::LayerNorm<D>{.x = x, .gamma = gamma, .beta = beta, .epsilon = 1e-6, .y = y,
///                                .moments = moments});
/// `XOn<Precision, Space>` is the operation, `X<D>` names it for a device. check() throws
/// ShapeError, before anything is written, where extents do not fit; cost() says what a call takes
/// at least. All extents are run time, so a kernel is compiled once per element type and serves
/// every model. Matrices may have a stride; spans are contiguous.
namespace arvit {

/// Whether an operation overwrites its result or adds to it.
enum class Write : char { assign, add };

/// All rows of a matrix. An empty index never means this.
struct AllRows {};

namespace ops {

/// Packed tokens, weights as products read them, gradients of parameters, and statistics (norms,
/// biases, softmax, losses): core/dtype.hpp.
template <class P, class Space> using In = Matrix<const typename P::Activation, Space>;
template <class P, class Space> using Out = Matrix<typename P::Activation, Space>;
template <class P, class Space> using Weights = Matrix<const typename P::Weight, Space>;
template <class P, class Space> using WeightGradient = Matrix<typename P::Gradient, Space>;
template <class P, class Space> using ValueGradient = Span<typename P::Gradient, Space>;
template <class P, class Space> using Values = Span<const typename P::Statistic, Space>;
template <class P, class Space> using Statistics = Matrix<typename P::Statistic, Space>;
template <class P, class Space> using ConstStatistics = Matrix<const typename P::Statistic, Space>;
template <class Space> using Index = Span<const std::int32_t, Space>;

/// The rows that an index lists, or AllRows.
template <class Space> class RowSet {
 public:
  constexpr RowSet(AllRows) : all_(true) {}
  constexpr RowSet(Index<Space> index) : index_(index) {}
  constexpr RowSet(Span<std::int32_t, Space> index) : index_(index) {}
  constexpr bool all() const { return all_; }
  constexpr Index<Space> index() const { return index_; }
  /// How many these are, of a matrix of `rows` rows.
  constexpr std::int64_t count(std::int64_t rows) const { return all_ ? rows : index_.size(); }
  constexpr std::int64_t operator[](std::int64_t i) const { return all_ ? i : index_[i]; }

 private:
  Index<Space> index_;
  bool all_ = false;
};

/// What a call takes at least: multiply-adds of its matrix products, and the bytes of operands read
/// and results written, each once. Calls with one label and the same extents cost the same.
struct Cost {
  std::string_view label;
  std::int64_t rows = 0, in = 0, out = 0;  ///< out: of a product, else 0
  double macs = 0, bytes = 0;
};

namespace detail {

[[noreturn]] inline void extents_differ(std::string_view name, std::string_view what,
                                        std::int64_t count, std::int64_t other) {
  fail<ShapeError>(name, ": ", count, " ", what, " meet ", other, "; they must be equal.");
}
template <class... Counts>
void rows_equal(std::string_view name, std::int64_t rows, Counts... others) {
  ((std::int64_t{others} == rows ? void() : extents_differ(name, "rows", rows, others)), ...);
}
template <class... Counts>
void columns_equal(std::string_view name, std::int64_t columns, Counts... others) {
  ((std::int64_t{others} == columns ? void() : extents_differ(name, "columns", columns, others)),
   ...);
}
template <class A, class... Others>
void extents_equal(std::string_view name, const A& a, const Others&... others) {
  rows_equal(name, a.rows(), others.rows()...);
  columns_equal(name, a.columns(), others.columns()...);
}

/// Bytes of a matrix, or of a span.
template <class M> double bytes(const M& view) {
  constexpr double element = sizeof(typename M::Element);
  if constexpr (requires { view.columns(); })
    return element * static_cast<double>(view.rows()) * static_cast<double>(view.columns());
  else
    return element * static_cast<double>(view.size());
}
/// The cost of [rows, in] times [in, out].
inline Cost product(std::string_view label, std::int64_t rows, std::int64_t in, std::int64_t out,
                    double bytes) {
  const double macs = static_cast<double>(rows) * static_cast<double>(in) *
                      static_cast<double>(out);
  return {label, rows, in, out, macs, bytes};
}
/// The cost of a pass that ends in `result`.
template <class M> Cost pass(std::string_view label, const M& result, double bytes) {
  return {label, result.rows(), result.columns(), 0, 0, bytes};
}

}  // namespace detail
}  // namespace ops
}  // namespace arvit
