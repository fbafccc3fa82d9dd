// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

namespace arvit {

// The errors that devices compile beside their kernels (target/errors/all.hpp). Any other is
// compiled where it is used.
struct L2;
struct L1;
struct Cosine;
struct CrossEntropy;

namespace ops {

/// sum[0] += scale * the sum over rows of the error; dprediction = its gradient.
/// prediction, dprediction [rows, width]   target [rows, width], or [rows, 1] where it names a
/// class
///
/// The error is a functor, `template <class Row> static double of(const Row&, double scale)`: it
/// returns the error of one row, without scale, and gives every entry its gradient, with scale. It
/// is ARVIT_HOST_DEVICE and ARVIT_INLINE, and what it hands to each() ARVIT_INLINE_LAMBDA
/// (core/host_device.hpp): exp and log compile only within a kernel's own code. A device
/// offers as Row
///   Row::Entry             a number for each of some entries at once: + - * /, fma, exp, log,
///                          sqrt, abs, sign; Entry() is 0, Row::all(number) the same number for
///                          each
///   row.width()
///   row.each(visit)        visit(e) for all entries, in the order of the row; e.prediction() and
///                          e.target() give them, e.gradient(value) takes their gradient;
///                          e.only(value) is the value, or 0 where a vector reaches beyond the
///                          row (prediction and target are 0 there)
///   row.total(entry)       the sum of an Entry that was summed over each()
///   row.largest()          the largest prediction
///   row.prediction(i), row.class_target(), row.gradient(i)   single numbers
///   row.gradient(i, value)                                   takes one
/// See target/errors/error.hpp for what else a target asks of it.
template <class Error, class P, class Space> struct LossOn {
  static constexpr std::string_view name = "loss";
  In<P, Space> prediction;
  ConstStatistics<P, Space> target;
  double scale;
  Out<P, Space> dprediction;
  Span<double, Space> sum;
  void check() const {
    detail::extents_equal(Error::name, prediction, dprediction);
    detail::rows_equal(Error::name, prediction.rows(), target.rows());
    detail::columns_equal(Error::name, Error::names_class ? 1 : prediction.columns(),
                          target.columns());
    detail::columns_equal(Error::name, 1, sum.size());
  }
  Cost cost() const {
    return detail::pass("loss", prediction, 2 * detail::bytes(prediction) + detail::bytes(target));
  }
};

template <class Error, class D>
using Loss = LossOn<Error, typename D::Precision, typename D::Space>;

}  // namespace ops
}  // namespace arvit
