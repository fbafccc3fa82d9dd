// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/eval/knn.hpp"
#include "arvit/eval/linear_probe.hpp"
#include "arvit/model/features.hpp"

/// One protocol for every row of an accuracy table: ours, the untrained encoder, raw pixels. What
/// can be chosen (feature, number of neighbours, penalty) is chosen on held-out parts of the
/// training table; the test table is looked at once per number of the row.
namespace arvit {

/// A feature among the columns begin .. end of a wide table.
struct Candidate {
  std::string name;
  std::int64_t begin = 0, end = 0;
};

/// The columns of an extractor's features, named "layer 4 mean".
std::vector<Candidate> candidates_of(const FeatureSource<float>& extractor);
/// Class token and mean of every layer, the last with its norm: what to choose from.
std::vector<Feature> all_layers(int depth, bool class_token);
template <class Encoder> std::vector<Feature> all_layers() {
  return all_layers(Encoder::depth, Encoder::has_class_token);
}

struct ProtocolOptions {
  KnnOptions knn;
  ProbeOptions probe;  ///< method and penalties of the numbers in the table
  /// The probe that chooses among features; the closed form is quick.
  ProbeMethod choose_by = ProbeMethod::ridge;
  /// Share of the labels of the last column; 0, or fewer than five labels: none.
  double few = 0.01;
  std::uint64_t seed = 0;  ///< of splits and of the few labels
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct AccuracyRow {
  std::string name;
  double knn = 0, probe = 0, probe_few = 0;                ///< shares of the test pictures
  std::string knn_choice, probe_choice, probe_few_choice;  ///< what the training table chose
};

AccuracyRow evaluate_features(Cpu<Fp32>& device, const std::string& name, const FeatureTable& train,
                              const FeatureTable& test, std::span<const Candidate> candidates,
                              const ProtocolOptions& options = {});

/// The table for people, in percent; `few` names its last column.
std::string accuracy_table_text(std::span<const AccuracyRow> rows, double few = 0.01);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/eval/impl/protocol.ipp"
#endif
