// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/eval/feature_table.hpp"

namespace arvit {

/// y = x W^T + b for standardised x; W [classes, width].
struct LinearClassifier {
  std::vector<float> weight, bias;
  std::vector<int> predict(const FeatureTable& table) const;
};

namespace probe {
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
inline Eigen::Map<const Rows> map(const FeatureTable& table) {
  return {table.values.data(), table.rows(), table.width};
}

/// The largest of each row of logits, of equal ones the first.
inline void append_classes(const Rows& logits, std::vector<int>& classes) {
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    Eigen::Index best = 0;
    logits.row(i).maxCoeff(&best);
    classes.push_back(static_cast<int>(best));
  }
}
}  // namespace probe

inline std::vector<int> LinearClassifier::predict(const FeatureTable& table) const {
  const auto classes = static_cast<Eigen::Index>(bias.size());
  if (static_cast<std::int64_t>(weight.size()) != classes * table.width)
    fail<ShapeError>("classifier: its ", weight.size(), " weights do not suit ", classes,
                     " classes and features of width ", table.width, ".");
  const Eigen::Map<const probe::Rows> w(weight.data(), classes, table.width);
  const Eigen::Map<const Eigen::RowVectorXf> b(bias.data(), classes);
  std::vector<int> predicted;
  for (std::int64_t from = 0; from < table.rows(); from += 4096) {
    const probe::Rows logits = (probe::map(table).middleRows(
                                    from, std::min<std::int64_t>(4096, table.rows() - from)) *
                                w.transpose())
                                   .rowwise() +
                               b;
    probe::append_classes(logits, predicted);
  }
  return predicted;
}

}  // namespace arvit
