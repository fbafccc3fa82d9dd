// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/feature_table.hpp"

/// The arithmetic of linear_probe.hpp: ridge regression in closed form, and cross entropy minimised
/// by L-BFGS.
namespace arvit {

/// y = x W^T + b for standardised x; W [classes, width].
struct LinearClassifier {
  std::vector<float> weight, bias;
  std::vector<int> predict(const FeatureTable& table) const;
};

namespace probe {
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Square = Eigen::MatrixXd;

/// The largest of each row of logits, of equal ones the first.
void append_classes(const Rows& logits, std::vector<int>& classes);

/// Ridge regression for several penalties (Hoerl and Kennard 1970): minimises
///   |X W^T + b - Y|^2 / rows + penalty |W|^2
/// for standardised X [rows, width] and indicators Y [rows, classes]. X has no mean, so b is the
/// mean of Y, and with c = penalty * rows and T = Y - b
///   W^T = (X^T X + c)^-1 X^T T = X^T (X X^T + c)^-1 T;
/// the smaller of the two matrices is factored.
class Ridge {
 public:
  Ridge(Cpu<Fp32>& device, const FeatureTable& table);
  /// That one solve() takes, beside this object.
  std::int64_t solve_bytes() const {
    return gram_.size() * static_cast<std::int64_t>(sizeof(double));
  }
  LinearClassifier solve(double penalty) const;

 private:
  const FeatureTable& table_;
  bool primal_;
  Square gram_, target_, right_;
  Eigen::RowVectorXd prior_;
};

/// The sum of the cross entropies log(sum exp(p)) - p[label] of logits p [rows, classes], which
/// become their gradient: softmax less the label's indicator. The largest logit is taken off first.
double cross_entropy(Rows& p, std::span<const int> labels);

/// Mean cross entropy + penalty / 2 |W|^2 of a classifier, W [classes, width] and then b [classes],
/// and its gradient: with P = softmax - indicators,
///   dW = P^T X / rows + penalty W    db = the sum of P's rows / rows
/// Rows are cut into blocks by their number alone, so the sums are the same for any number of
/// threads.
class LogisticLoss {
 public:
  LogisticLoss(Cpu<Fp32>& device, const FeatureTable& table, int classes);
  std::int64_t size() const { return classes_ * (table_.width + 1); }

  double operator()(const Eigen::VectorXd& at, double penalty, Eigen::VectorXd& gradient);

 private:
  struct Partial {
    double loss = 0;
    Rows weight;
    Eigen::RowVectorXf bias;
  };
  Cpu<Fp32>& device_;
  const FeatureTable& table_;
  int classes_;
  std::int64_t blocks_;
  std::vector<Partial> partial_;
};

/// L-BFGS (Liu and Nocedal 1989; ten pairs, backtracking until Armijo's condition holds) from `at`,
/// which is assigned. Ends where no entry of the gradient is larger than `tolerance`.
double minimise(LogisticLoss& loss, double penalty, int iterations, double tolerance,
                Eigen::VectorXd& at);

}  // namespace probe
}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/linear_solvers.ipp"
#endif
