// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/feature_table.hpp"

namespace arvit {

struct KnnOptions {
  std::vector<int> neighbours{10, 20, 30};  ///< the k to report
  double temperature = 0.07;
  /// First every column, by the training table's mean and deviation, as the probes do.
  bool standardise = false;
};

/// Weighted k nearest neighbours (Wu, Xiong, Yu and Lin 2018, section 3.4) as SemAIM evaluates,
/// after DINO: features of length 1, each of the k most similar training pictures votes for its
/// class with weight exp(similarity / temperature); ties go to the lower class. Result
/// [neighbours.size()][test rows]: the predicted classes. Equal bits for any number of threads.
std::vector<std::vector<int>> knn_predict(Cpu<Fp32>& device, const FeatureTable& train,
                                          const FeatureTable& test, const KnnOptions& options = {});

/// Accuracy for every k of the options.
std::vector<double> knn(Cpu<Fp32>& device, const FeatureTable& train, const FeatureTable& test,
                        const KnnOptions& options = {});

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/knn.ipp"
#endif
