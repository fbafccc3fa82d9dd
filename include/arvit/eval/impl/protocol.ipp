// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/protocol.hpp"

#include <algorithm>
#include <cstdio>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION std::vector<Candidate> candidates_of(const FeatureSource<float>& extractor) {
  std::vector<Candidate> result;
  for (std::size_t i = 0; i < extractor.options().features.size(); ++i) {
    const Feature& feature = extractor.options().features[i];
    result.push_back({text("layer ", feature.layer, " ", readout_name(feature.readout),
                           feature.norm ? ", normed" : ""),
                      extractor.begin(i), extractor.end(i)});
  }
  return result;
}

ARVIT_DEFINITION std::vector<Feature> all_layers(int depth, bool class_token) {
  std::vector<Feature> features;
  for (int layer = 1; layer <= depth; ++layer) {
    if (class_token) features.push_back({Readout::class_token, layer});
    features.push_back({Readout::mean, layer});
  }
  return features;
}

namespace detail {

/// Chooses a feature and a number of neighbours on the training table, of which a tenth asks and
/// the others answer, and looks at the test table once.
ARVIT_DEFINITION void evaluate_knn(Cpu<Fp32>& device, const FeatureTable& train,
                                   const FeatureTable& test, std::span<const Candidate> candidates,
                                   const ProtocolOptions& options, AccuracyRow& row) {
  const auto part = stratified_parts(train.labels, 10, options.seed);
  std::vector<std::int64_t> bank, held_out;
  for (std::size_t i = 0; i < part.size(); ++i)
    (part[i] == 0 ? held_out : bank).push_back(static_cast<std::int64_t>(i));
  KnnOptions knn_options = options.knn;
  if (knn_options.neighbours.empty())
    fail<OptionError>("evaluation: no number of neighbours is given for ", row.name,
                      "; name at least one.");
  // A small set has not so many.
  std::erase_if(knn_options.neighbours, [&](int k) { return k > static_cast<int>(bank.size()); });
  if (knn_options.neighbours.empty()) knn_options.neighbours = {1};

  double best = -1;
  Candidate chosen = candidates[0];
  int neighbours = knn_options.neighbours[0];
  const bool one_choice = candidates.size() == 1 && knn_options.neighbours.size() == 1;
  for (const Candidate& candidate : candidates) {
    if (one_choice) break;
    options.progress(text(row.name, ": k-NN, ", candidate.name));
    const FeatureTable columns = train.columns(candidate.begin, candidate.end);
    const auto shares = knn(device, columns.subset(bank), columns.subset(held_out), knn_options);
    for (std::size_t k = 0; k < shares.size(); ++k)
      if (shares[k] > best) {
        best = shares[k];
        chosen = candidate;
        neighbours = knn_options.neighbours[k];
      }
  }
  knn_options.neighbours = {neighbours};
  row.knn = knn(device, train.columns(chosen.begin, chosen.end),
                test.columns(chosen.begin, chosen.end), knn_options)[0];
  row.knn_choice = text(chosen.name, ", k = ", neighbours);
}

/// An accuracy on the test table, and what the training table chose for it.
struct ChosenAccuracy {
  double share;
  std::string choice;
};
ARVIT_DEFINITION ChosenAccuracy evaluate_probe(Cpu<Fp32>& device, const std::string& name,
                                               const FeatureTable& train, const FeatureTable& test,
                                               std::span<const Candidate> candidates,
                                               const ProtocolOptions& options) {
  ProbeOptions fitting = options.probe;
  fitting.seed = options.seed;
  ProbeOptions choosing = fitting;
  choosing.method = options.choose_by;
  double best = -1;
  Candidate chosen = candidates[0];
  for (const Candidate& candidate : candidates) {
    if (candidates.size() == 1) break;
    options.progress(text(name, ": linear probe on ", train.rows(), " labels, ", candidate.name));
    const ProbeChoice here = choose_penalty(device, train.columns(candidate.begin, candidate.end),
                                            choosing);
    if (here.validation_accuracy > best) {
      best = here.validation_accuracy;
      chosen = candidate;
    }
  }
  options.progress(text(name, ": linear probe on ", train.rows(), " labels, fitting"));
  const ProbeResult result = linear_probe(device, train.columns(chosen.begin, chosen.end),
                                          test.columns(chosen.begin, chosen.end), fitting);
  return {result.accuracy, text(chosen.name, ", penalty ", result.penalty)};
}

}  // namespace detail

ARVIT_DEFINITION AccuracyRow evaluate_features(Cpu<Fp32>& device, const std::string& name,
                                               const FeatureTable& train, const FeatureTable& test,
                                               std::span<const Candidate> candidates,
                                               const ProtocolOptions& options) {
  check_tables("evaluation", train, test);
  if (candidates.empty()) fail<OptionError>("evaluation: no feature is given for ", name, ".");
  AccuracyRow row;
  row.name = name;
  detail::evaluate_knn(device, train, test, candidates, options, row);
  const auto probe = [&](const FeatureTable& known, double& share, std::string& choice) {
    const auto result = detail::evaluate_probe(device, name, known, test, candidates, options);
    share = result.share;
    choice = result.choice;
  };
  probe(train, row.probe, row.probe_choice);
  if (options.few > 0) {
    const auto some = stratified_fraction(train.labels, options.few, options.seed);
    constexpr std::size_t fewest = 5;  // cannot choose a penalty with less
    if (some.size() >= fewest) probe(train.subset(some), row.probe_few, row.probe_few_choice);
  }
  return row;
}

ARVIT_DEFINITION std::string accuracy_table_text(std::span<const AccuracyRow> rows, double few) {
  std::size_t width = 8;
  for (const AccuracyRow& row : rows) width = std::max(width, row.name.size());
  std::string result(width, ' ');
  char line[160];
  std::snprintf(line, sizeof line, "  %8s  %8s  %10s\n", "k-NN", "probe",
                text("probe ", few * 100, " %").c_str());
  result += line;
  for (const AccuracyRow& row : rows) {
    char few_text[16] = "-";
    if (!row.probe_few_choice.empty())
      std::snprintf(few_text, sizeof few_text, "%.2f %%", 100 * row.probe_few);
    std::snprintf(line, sizeof line, "  %6.2f %%  %6.2f %%  %10s\n", 100 * row.knn, 100 * row.probe,
                  few_text);
    result += row.name + std::string(width - row.name.size(), ' ') + line;
  }
  for (const AccuracyRow& row : rows)
    result += text(row.name, ": k-NN on ", row.knn_choice, "; probe on ", row.probe_choice,
                   row.probe_few_choice.empty() ? "" : "; few labels on ", row.probe_few_choice,
                   "\n");
  return result;
}

}  // namespace arvit
