// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "arvit/eval/feature_table.hpp"

namespace arvit {

/// The class whose training rows have the nearest mean (Euclidean), for every test row; ties go to
/// the lower class. A class without training rows is never predicted.
inline std::vector<int> nearest_mean(const FeatureTable& train, const FeatureTable& test) {
  check_tables("nearest mean", train, test);
  const std::int64_t width = train.width;
  std::vector<double> means(train.classes() * width), rows(train.classes());
  for (std::int64_t i = 0; i < train.rows(); ++i) {
    const int label = train.labels[i];
    rows[label] += 1;
    for (std::int64_t c = 0; c < width; ++c)
      means[label * width + c] += static_cast<double>(train.row(i)[c]);
  }
  for (std::size_t i = 0; i < means.size(); ++i)
    if (rows[i / width] > 0) means[i] /= rows[i / width];

  std::vector<int> predicted;
  for (std::int64_t i = 0; i < test.rows(); ++i) {
    int nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int label = 0; label < train.classes(); ++label) {
      double distance = 0;
      for (std::int64_t c = 0; c < width; ++c) {
        const double d = static_cast<double>(test.row(i)[c]) - means[label * width + c];
        distance += d * d;
      }
      if (rows[label] == 0 || distance >= least) continue;
      nearest = label;
      least = distance;
    }
    predicted.push_back(nearest);
  }
  return predicted;
}

}  // namespace arvit
