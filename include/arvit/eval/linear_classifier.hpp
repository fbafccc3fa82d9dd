// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/eval/feature_table.hpp"

namespace arvit {

/// y = x W^T + b for standardised x; W [classes, width].
struct LinearClassifier {
  std::vector<float> weight, bias;
  std::vector<int> predict(const FeatureTable& table) const;
};

}  // namespace arvit
