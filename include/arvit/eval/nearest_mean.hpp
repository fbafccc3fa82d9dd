// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/eval/feature_table.hpp"

namespace arvit {

/// The share of test rows that lie nearest to the mean of their own class.
inline double nearest_mean(const FeatureTable& train, const FeatureTable& test) {
  std::vector<std::vector<double>> means(train.classes(), std::vector<double>(train.width));
  std::vector<double> counts(train.classes());
  for (std::int64_t i = 0; i < train.rows(); ++i) {
    counts[train.labels[i]] += 1;
    for (std::int64_t c = 0; c < train.width; ++c) means[train.labels[i]][c] += train.row(i)[c];
  }
  double right = 0;
  for (std::int64_t i = 0; i < test.rows(); ++i) {
    int nearest = 0;
    double least = INFINITY;
    for (int label = 0; label < train.classes(); ++label) {
      double distance = 0;
      for (std::int64_t c = 0; c < train.width; ++c)
        distance += std::pow(test.row(i)[c] - means[label][c] / counts[label], 2);
      if (distance < least) nearest = label;
      least = std::min(least, distance);
    }
    right += nearest == test.labels[i];
  }
  return right / static_cast<double>(test.rows());
}

}  // namespace arvit
