// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <Eigen/Core>
#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arvit/device/cpu/pool.hpp"
#include "arvit/eval/feature_table.hpp"

/// Linear classifiers on cached, standardised features. The strength of the penalty is chosen on a part of the training rows;
/// the classifier is then fitted to all of them. The recipe that augments pictures is in probe_training.hpp.
namespace arvit {

enum class ProbeMethod : char {
  ridge,     ///< closed form: least squares to the classes' indicators
  logistic,  ///< multinomial logistic regression by L-BFGS
};
inline ProbeMethod probe_method_from(std::string_view name) {
  const std::vector<std::string> known{"ridge", "logistic"};
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] == name) return static_cast<ProbeMethod>(i);
  fail_unknown_name("probe", name, known);
}

struct ProbeOptions {
  ProbeMethod method = ProbeMethod::logistic;
  std::vector<double> penalties{1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};  ///< candidates, per row and for standardised columns
  int iterations = 200;                                           ///< most of L-BFGS
  double tolerance = 1e-5;                                        ///< of the largest gradient entry, where L-BFGS ends
  std::uint64_t seed = 0;                                         ///< of the split
};

/// y = x W^T + b for standardised x; W [classes, width].
struct LinearClassifier {
  std::vector<float> weight, bias;
  std::vector<int> predict(const FeatureTable& table) const;
};

namespace probe {
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Square = Eigen::MatrixXd;
inline Eigen::Map<const Rows> map(const FeatureTable& table) { return {table.values.data(), table.rows(), table.width}; }

/// X^T X (`columns`) or X X^T, in double. Divided by shape only: equal bits for any number of threads.
inline Square gram(cpu::Pool& pool, const FeatureTable& table, bool columns) {
  const auto x = map(table);
  const std::int64_t size = columns ? table.width : table.rows(), depth = columns ? table.rows() : table.width;
  constexpr std::int64_t panel = 128, stripe = 2048;  // floats are summed over a stripe, doubles over stripes
  Square result = Square::Zero(size, size);
  pool.run((size + panel - 1) / panel, [&](std::int64_t task, int) {
    const std::int64_t begin = task * panel, count = std::min(panel, size - begin), rest = size - begin;  // the lower triangle
    Eigen::MatrixXf part;
    for (std::int64_t from = 0; from < depth; from += stripe) {
      const std::int64_t rows = std::min(stripe, depth - from);
      if (columns) part.noalias() = x.block(from, begin, rows, rest).transpose() * x.block(from, begin, rows, count);
      else part.noalias() = x.block(begin, from, rest, rows) * x.block(begin, from, count, rows).transpose();
      result.block(begin, begin, rest, count) += part.cast<double>();
    }
  });
  return result;
}

/// Ridge regression for several penalties: minimises |X W^T + b - Y|^2 / rows + penalty |W|^2 through the smaller of X^T X and X X^T.
class Ridge {
 public:
  Ridge(cpu::Pool& pool, const FeatureTable& table) : table_(table), primal_(table.width <= table.rows()), gram_(gram(pool, table, primal_)) {
    const int classes = table.classes();
    const auto rows = static_cast<double>(table.rows());
    target_ = Square::Zero(table.rows(), classes);
    for (std::int64_t i = 0; i < table.rows(); ++i) target_(i, table.labels[static_cast<std::size_t>(i)]) = 1;
    prior_ = target_.colwise().sum() / rows;
    target_.rowwise() -= prior_;
    if (primal_) right_ = (map(table_).transpose() * target_.cast<float>()).cast<double>();
    else right_ = target_;
  }
  LinearClassifier solve(double penalty) const {
    Square system = gram_;
    system.diagonal().array() += penalty * static_cast<double>(table_.rows());
    const Square solution = system.selfadjointView<Eigen::Lower>().llt().solve(right_);
    Rows weight;
    if (primal_) weight = solution.transpose().cast<float>();
    else weight = solution.transpose().cast<float>() * map(table_);
    LinearClassifier result;
    result.weight.assign(weight.data(), weight.data() + weight.size());
    for (Eigen::Index c = 0; c < prior_.size(); ++c) result.bias.push_back(static_cast<float>(prior_(c)));
    return result;
  }

 private:
  const FeatureTable& table_;
  bool primal_;
  Square gram_, target_, right_;
  Eigen::RowVectorXd prior_;
};

/// Mean cross entropy + penalty / 2 |W|^2 of a classifier (W, b) [classes, width + 1], and its gradient.
class LogisticLoss {
 public:
  LogisticLoss(cpu::Pool& pool, const FeatureTable& table, int classes)
      : pool_(pool), table_(table), classes_(classes), blocks_(std::clamp<std::int64_t>(table.rows() / 256, 1, 32)), partial_(static_cast<std::size_t>(blocks_)) {}
  std::int64_t size() const { return classes_ * (table_.width + 1); }

  double operator()(const Eigen::VectorXd& at, double penalty, Eigen::VectorXd& gradient) {
    const std::int64_t width = table_.width, rows = table_.rows();
    const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> weight(at.data(), classes_, width);
    const auto bias = at.tail(classes_);
    const Rows w = weight.cast<float>();
    const Eigen::RowVectorXf b = bias.cast<float>().transpose();
    pool_.run(blocks_, [&](std::int64_t block, int) {
      const std::int64_t begin = rows * block / blocks_, end = rows * (block + 1) / blocks_;
      Partial& part = partial_[static_cast<std::size_t>(block)];
      const auto x = map(table_).middleRows(begin, end - begin);
      Rows p = (x * w.transpose()).rowwise() + b;
      part.loss = 0;
      for (Eigen::Index i = 0; i < p.rows(); ++i) {
        const int label = table_.labels[static_cast<std::size_t>(begin + i)];
        const float top = p.row(i).maxCoeff(), own = p(i, label);
        p.row(i) = (p.row(i).array() - top).exp();
        const float sum = p.row(i).sum();
        part.loss += static_cast<double>(top - own) + std::log(static_cast<double>(sum));
        p.row(i) /= sum;
        p(i, label) -= 1;
      }
      part.weight.noalias() = p.transpose() * x;
      part.bias = p.colwise().sum();
    });
    double loss = 0;
    gradient = Eigen::VectorXd::Zero(size());
    Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> dweight(gradient.data(), classes_, width);
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

 private:
  struct Partial {
    double loss = 0;
    Rows weight;
    Eigen::RowVectorXf bias;
  };
  cpu::Pool& pool_;
  const FeatureTable& table_;
  int classes_;
  std::int64_t blocks_;
  std::vector<Partial> partial_;
};

/// L-BFGS (Liu and Nocedal 1989; ten pairs, backtracking until Armijo's condition holds) from `at`, which is assigned.
template <class Loss>
double minimise(Loss& loss, double penalty, int iterations, double tolerance, Eigen::VectorXd& at) {
  std::deque<std::pair<Eigen::VectorXd, Eigen::VectorXd>> pairs;  // steps and changes of the gradient
  Eigen::VectorXd gradient, next_gradient, next;
  double value = loss(at, penalty, gradient);
  for (int i = 0; i < iterations && gradient.lpNorm<Eigen::Infinity>() > tolerance; ++i) {
    Eigen::VectorXd direction = -gradient;
    std::vector<double> alpha(pairs.size());
    for (std::size_t j = pairs.size(); j-- > 0;) {
      const auto& [s, y] = pairs[j];
      alpha[j] = s.dot(direction) / s.dot(y);
      direction -= alpha[j] * y;
    }
    if (!pairs.empty()) direction *= pairs.back().first.dot(pairs.back().second) / pairs.back().second.squaredNorm();
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      const auto& [s, y] = pairs[j];
      direction += (alpha[j] - y.dot(direction) / s.dot(y)) * s;
    }
    const double slope = gradient.dot(direction);
    double step = pairs.empty() ? std::min(1.0, 1 / gradient.norm()) : 1.0, next_value = 0;
    bool found = false;
    for (int halving = 0; halving < 30 && !found; ++halving, step /= 2) {
      next = at + step * direction;
      next_value = loss(next, penalty, next_gradient);
      found = next_value <= value + 1e-4 * step * slope;
    }
    if (!found) break;  // no descent that floats can resolve: this is the minimum
    const Eigen::VectorXd s = next - at, y = next_gradient - gradient;
    if (s.dot(y) > 1e-10 * y.squaredNorm()) {
      pairs.emplace_back(s, y);
      if (pairs.size() > 10) pairs.pop_front();
    }
    at = next, gradient = next_gradient, value = next_value;
  }
  return value;
}

/// Classifiers for every penalty, fitted to a standardised table; L-BFGS goes from strong to weak, each from the one before.
template <class Visit>
void fit_all(cpu::Pool& pool, const FeatureTable& table, const ProbeOptions& options, std::span<const double> penalties, Visit&& visit) {
  const int classes = table.classes();
  if (options.method == ProbeMethod::ridge) {
    const Ridge ridge(pool, table);
    for (const double penalty : penalties) visit(penalty, ridge.solve(penalty));
    return;
  }
  LogisticLoss loss(pool, table, classes);
  Eigen::VectorXd at = Eigen::VectorXd::Zero(loss.size());
  std::vector<double> descending(penalties.begin(), penalties.end());
  std::sort(descending.rbegin(), descending.rend());
  for (const double penalty : descending) {
    minimise(loss, penalty, options.iterations, options.tolerance, at);
    LinearClassifier classifier;
    for (Eigen::Index i = 0; i < at.size(); ++i) (i < classes * table.width ? classifier.weight : classifier.bias).push_back(static_cast<float>(at(i)));
    visit(penalty, classifier);
  }
}
}  // namespace probe

inline std::vector<int> LinearClassifier::predict(const FeatureTable& table) const {
  const auto classes = static_cast<Eigen::Index>(bias.size());
  if (static_cast<std::int64_t>(weight.size()) != classes * table.width)
    fail<ShapeError>("classifier: its ", weight.size(), " weights do not suit ", classes, " classes and features of width ", table.width, ".");
  const Eigen::Map<const probe::Rows> w(weight.data(), classes, table.width);
  const Eigen::Map<const Eigen::RowVectorXf> b(bias.data(), classes);
  std::vector<int> predicted;
  for (std::int64_t from = 0; from < table.rows(); from += 4096) {
    const probe::Rows logits = (probe::map(table).middleRows(from, std::min<std::int64_t>(4096, table.rows() - from)) * w.transpose()).rowwise() + b;
    for (Eigen::Index i = 0; i < logits.rows(); ++i) {
      Eigen::Index best = 0;
      logits.row(i).maxCoeff(&best);
      predicted.push_back(static_cast<int>(best));
    }
  }
  return predicted;
}

/// The best penalty for a training table, by the mean accuracy on held-out parts of it; on a tie the stronger one.
struct ProbeChoice {
  double penalty = 0, validation_accuracy = 0;
};
inline ProbeChoice choose_penalty(cpu::Pool& pool, const FeatureTable& train, const ProbeOptions& options = {}) {
  check_tables("linear probe", train, train);
  if (options.penalties.empty()) fail<OptionError>("linear probe: no penalty is given; name at least one.");
  for (const double penalty : options.penalties)
    if (!(penalty > 0) || !std::isfinite(penalty)) fail<OptionError>("linear probe: penalty ", penalty, "; it must be positive.");
  if (train.classes() < 2) fail<OptionError>("linear probe: the training table holds one class; at least two are needed.");
  const Folds folds = validation_folds(train.labels, options.seed);
  std::vector<double> penalties = options.penalties, score(penalties.size());
  std::sort(penalties.rbegin(), penalties.rend());
  for (std::size_t f = 0; f < folds.fit.size(); ++f) {
    if (folds.fit[f].empty() || folds.validation[f].empty())
      fail<OptionError>("linear probe: ", train.rows(), " labelled pictures are too few to choose a penalty; at least 5 are needed.");
    FeatureTable fit = train.subset(folds.fit[f]), validation = train.subset(folds.validation[f]);
    const Standardiser standardise(fit);
    standardise.apply(fit), standardise.apply(validation);
    std::size_t next = 0;
    probe::fit_all(pool, fit, options, penalties, [&](double, const LinearClassifier& classifier) {
      score[next++] += accuracy(classifier.predict(validation), validation.labels) / static_cast<double>(folds.fit.size());
    });
  }
  const auto best = std::max_element(score.begin(), score.end()) - score.begin();
  return {penalties[static_cast<std::size_t>(best)], score[static_cast<std::size_t>(best)]};
}

struct ProbeResult {
  double accuracy = 0, penalty = 0;
};
/// Chooses the penalty within the training table, fits to all of it, and looks at the test table once.
inline ProbeResult linear_probe(cpu::Pool& pool, FeatureTable train, FeatureTable test, const ProbeOptions& options = {}) {
  check_tables("linear probe", train, test);
  const ProbeChoice choice = choose_penalty(pool, train, options);
  const Standardiser standardise(train);
  standardise.apply(train), standardise.apply(test);
  ProbeResult result{0, choice.penalty};
  probe::fit_all(pool, train, options, std::span(&choice.penalty, 1), [&](double, const LinearClassifier& classifier) {
    result.accuracy = accuracy(classifier.predict(test), test.labels);
  });
  return result;
}

}  // namespace arvit
