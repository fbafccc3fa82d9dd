// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/linear_solvers.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "arvit/core/error.hpp"

namespace arvit {

namespace probe {
namespace detail {
inline Eigen::Map<const Rows> map(const FeatureTable& table) {
  return {table.values.data(), table.rows(), table.width};
}

/// X^T X (`columns`) or X X^T, in double. Divided by shape only: equal bits for any number of
/// threads.
inline Square gram(Cpu<Fp32>& device, const FeatureTable& table, bool columns) {
  const std::int64_t size = columns ? table.width : table.rows();
  const std::int64_t depth = columns ? table.rows() : table.width;
  constexpr std::int64_t stripe = 2048;  // floats are summed over a stripe, doubles over stripes
  Square result = Square::Zero(size, size);
  Rows part(size, size);
  for (std::int64_t from = 0; from < depth; from += stripe) {
    const std::int64_t count = std::min(stripe, depth - from);
    if (columns) {
      const Matrix<const float> x{table.row(from), count, table.width};
      part.setZero();
      device.run(
          ops::LinearBackwardWeight<Cpu<Fp32>>{.dy = x, .x = x, .dw = {part.data(), size, size}});
    } else {
      const Matrix<const float> x{table.values.data() + from, size, count, table.width};
      device.run(ops::Linear<Cpu<Fp32>>{.x = x, .w = x, .y = {part.data(), size, size}});
    }
    // The part is symmetric, so its rows are its columns.
    device.for_each(
        size, [&](std::int64_t i) { result.col(i) += part.row(i).cast<double>().transpose(); });
  }
  return result;
}
}  // namespace detail

ARVIT_DEFINITION void append_classes(const Rows& logits, std::vector<int>& classes) {
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    Eigen::Index best = 0;
    logits.row(i).maxCoeff(&best);
    classes.push_back(static_cast<int>(best));
  }
}

ARVIT_DEFINITION Ridge::Ridge(Cpu<Fp32>& device, const FeatureTable& table)
    : table_(table),
      primal_(table.width <= table.rows()),
      gram_(detail::gram(device, table, primal_)) {
  const int classes = table.classes();
  const auto rows = static_cast<double>(table.rows());
  target_ = Square::Zero(table.rows(), classes);
  for (std::int64_t i = 0; i < table.rows(); ++i) target_(i, table.labels[i]) = 1;
  prior_ = target_.colwise().sum() / rows;
  target_.rowwise() -= prior_;
  if (primal_)
    right_ = (detail::map(table_).transpose() * target_.cast<float>()).cast<double>();
  else
    right_ = target_;
}

ARVIT_DEFINITION LinearClassifier Ridge::solve(double penalty) const {
  Square system = gram_;
  system.diagonal().array() += penalty * static_cast<double>(table_.rows());
  const Eigen::LLT<Eigen::Ref<Square>> factor(system);  // in place
  const Square solution = factor.solve(right_);
  Rows weight;
  if (primal_)
    weight = solution.transpose().cast<float>();
  else
    weight = solution.transpose().cast<float>() * detail::map(table_);
  LinearClassifier result;
  result.weight.assign(weight.data(), weight.data() + weight.size());
  for (Eigen::Index c = 0; c < prior_.size(); ++c)
    result.bias.push_back(static_cast<float>(prior_(c)));
  return result;
}

ARVIT_DEFINITION double cross_entropy(Rows& p, std::span<const int> labels) {
  double loss = 0;
  for (Eigen::Index i = 0; i < p.rows(); ++i) {
    const int label = labels[i];
    const float top = p.row(i).maxCoeff(), own = p(i, label);
    p.row(i) = (p.row(i).array() - top).exp();
    const float sum = p.row(i).sum();
    loss += static_cast<double>(top - own) + std::log(static_cast<double>(sum));
    p.row(i) /= sum;
    p(i, label) -= 1;
  }
  return loss;
}

ARVIT_DEFINITION LogisticLoss::LogisticLoss(Cpu<Fp32>& device, const FeatureTable& table,
                                            int classes)
    : device_(device),
      table_(table),
      classes_(classes),
      blocks_(std::clamp<std::int64_t>(table.rows() / 256, 1, 32)),
      partial_(blocks_) {}

ARVIT_DEFINITION double LogisticLoss::operator()(const Eigen::VectorXd& at, double penalty,
                                                 Eigen::VectorXd& gradient) {
  const std::int64_t width = table_.width, rows = table_.rows();
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>
      weight(at.data(), classes_, width);
  const auto bias = at.tail(classes_);
  const Rows w = weight.cast<float>();
  const Eigen::RowVectorXf b = bias.cast<float>().transpose();
  device_.for_each(blocks_, [&](std::int64_t block) {
    const std::int64_t begin = rows * block / blocks_, end = rows * (block + 1) / blocks_;
    Partial& part = partial_[block];
    const auto x = detail::map(table_).middleRows(begin, end - begin);
    Rows p = (x * w.transpose()).rowwise() + b;
    part.loss = cross_entropy(p, std::span(table_.labels).subspan(begin));
    part.weight.noalias() = p.transpose() * x;
    part.bias = p.colwise().sum();
  });
  double loss = 0;
  gradient = Eigen::VectorXd::Zero(size());
  Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> dweight(
      gradient.data(), classes_, width);
  for (const Partial& part : partial_) {
    loss += part.loss;
    dweight += part.weight.cast<double>();
    gradient.tail(classes_) += part.bias.transpose().cast<double>();
  }
  const auto n = static_cast<double>(rows);
  gradient /= n;
  dweight += penalty * weight;
  return loss / n + penalty / 2 * weight.squaredNorm();
}

ARVIT_DEFINITION double minimise(LogisticLoss& loss, double penalty, int iterations,
                                 double tolerance, Eigen::VectorXd& at) {
  // Steps s and changes of the gradient y, the latest last.
  std::deque<std::pair<Eigen::VectorXd, Eigen::VectorXd>> pairs;
  Eigen::VectorXd gradient, next_gradient, next;
  double value = loss(at, penalty, gradient);
  for (int i = 0; i < iterations && gradient.lpNorm<Eigen::Infinity>() > tolerance; ++i) {
    // -H gradient by the two-loop recursion (Nocedal 1980), H the inverse Hessian that the pairs
    // suggest; it begins as (s y / y y) of the latest pair times the identity.
    Eigen::VectorXd direction = -gradient;
    std::vector<double> alpha(pairs.size());
    for (std::size_t j = pairs.size(); j-- > 0;) {
      const auto& [s, y] = pairs[j];
      alpha[j] = s.dot(direction) / s.dot(y);
      direction -= alpha[j] * y;
    }
    if (!pairs.empty())
      direction *= pairs.back().first.dot(pairs.back().second) / pairs.back().second.squaredNorm();
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      const auto& [s, y] = pairs[j];
      direction += (alpha[j] - y.dot(direction) / s.dot(y)) * s;
    }
    const double slope = gradient.dot(direction);
    double step = pairs.empty() ? std::min(1.0, 1 / gradient.norm()) : 1.0;
    double next_value = 0;
    bool found = false;
    for (int halving = 0; halving < 30 && !found; ++halving, step /= 2) {
      next = at + step * direction;
      next_value = loss(next, penalty, next_gradient);
      found = next_value <= value + 1e-4 * step * slope;
    }
    if (!found) break;  // no descent that floats can resolve: this is the minimum
    const Eigen::VectorXd s = next - at;
    const Eigen::VectorXd y = next_gradient - gradient;
    // Only a positive curvature keeps H positive definite.
    if (s.dot(y) > 1e-10 * y.squaredNorm()) {
      pairs.emplace_back(s, y);
      if (pairs.size() > 10) pairs.pop_front();
    }
    at = next;
    gradient = next_gradient;
    value = next_value;
  }
  return value;
}

}  // namespace probe

ARVIT_DEFINITION std::vector<int> LinearClassifier::predict(const FeatureTable& table) const {
  const auto classes = static_cast<Eigen::Index>(bias.size());
  if (static_cast<std::int64_t>(weight.size()) != classes * table.width)
    fail<ShapeError>("classifier: its ", weight.size(), " weights do not suit ", classes,
                     " classes and features of width ", table.width, ".");
  const Eigen::Map<const probe::Rows> w(weight.data(), classes, table.width);
  const Eigen::Map<const Eigen::RowVectorXf> b(bias.data(), classes);
  std::vector<int> predicted;
  for (std::int64_t from = 0; from < table.rows(); from += 4096) {
    const std::int64_t count = std::min<std::int64_t>(4096, table.rows() - from);
    const probe::Rows logits =
        (probe::detail::map(table).middleRows(from, count) * w.transpose()).rowwise() + b;
    probe::append_classes(logits, predicted);
  }
  return predicted;
}

}  // namespace arvit
