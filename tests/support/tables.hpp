// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/eval/feature_table.hpp"

namespace arvit::test {

/// Gaussian clouds around fixed centres, one per class; `spread` is their deviation, the centres'
/// is 1.
inline FeatureTable blobs(int rows, int width, int classes, double spread, std::uint64_t seed) {
  FeatureTable table{width, {}, {}};
  Stream noise(Counter{seed, 0, 1});
  std::vector<double> centres(static_cast<std::size_t>(classes * width));
  Stream place(Counter{77, 0, 0});
  for (double& centre : centres) centre = place.normal();
  for (int i = 0; i < rows; ++i) {
    table.labels.push_back(i % classes);
    for (int c = 0; c < width; ++c)
      table.values.push_back(static_cast<float>(
          centres[static_cast<std::size_t>(i % classes * width + c)] + spread * noise.normal()));
  }
  return table;
}

}  // namespace arvit::test
