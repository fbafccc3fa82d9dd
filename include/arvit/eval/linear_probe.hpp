// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/feature_table.hpp"

/// Linear classifiers on cached, standardised features. The strength of the penalty is chosen on a
/// part of the training rows; the classifier is then fitted to all of them. The recipe that
/// augments pictures is in probe_training.hpp.
namespace arvit {

enum class ProbeMethod : char {
  ridge,     ///< closed form: least squares to the classes' indicators
  logistic,  ///< multinomial logistic regression by L-BFGS
};
ProbeMethod probe_method_from(std::string_view name);

struct ProbeOptions {
  ProbeMethod method = ProbeMethod::logistic;
  /// Candidates, per row and for standardised columns.
  std::vector<double> penalties{1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};
  int iterations = 200;     ///< most of L-BFGS
  double tolerance = 1e-5;  ///< of the largest gradient entry, where L-BFGS ends
  std::uint64_t seed = 0;   ///< of the split
};

/// The best penalty for a training table, by the mean accuracy on held-out parts of it; on a tie
/// the stronger one.
struct ProbeChoice {
  double penalty = 0, validation_accuracy = 0;
};
ProbeChoice choose_penalty(Cpu<Fp32>& device, const FeatureTable& train,
                           const ProbeOptions& options = {});

struct ProbeResult {
  double accuracy = 0, penalty = 0;
};
/// Chooses the penalty within the training table, fits to all of it, and looks at the test table
/// once.
ProbeResult linear_probe(Cpu<Fp32>& device, FeatureTable train, FeatureTable test,
                         const ProbeOptions& options = {});

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/linear_probe.ipp"
#endif
