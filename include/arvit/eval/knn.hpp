// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/device/cpu/pool.hpp"
#include "arvit/eval/feature_table.hpp"

namespace arvit {

struct KnnOptions {
  std::vector<int> neighbours{10, 20, 30};  ///< the k to report
  double temperature = 0.07;
  bool standardise = false;                 ///< first every column, by the training table's mean and deviation, as the probes do
};

/// Weighted k nearest neighbours as SemAIM evaluates, after DINO: features of length 1, each of the k most similar training
/// pictures votes for its class with weight exp(similarity / temperature); ties go to the lower class.
/// Result [neighbours.size()][test rows]: the predicted classes. Equal bits for any number of threads.
std::vector<std::vector<int>> knn_predict(cpu::Pool& pool, const FeatureTable& train, const FeatureTable& test, const KnnOptions& options = {});

/// Accuracy for every k of the options.
std::vector<double> knn(cpu::Pool& pool, const FeatureTable& train, const FeatureTable& test, const KnnOptions& options = {});

}  // namespace arvit

#if ARVIT_DEFINITIONS
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION std::vector<std::vector<int>> knn_predict(cpu::Pool& pool, const FeatureTable& train, const FeatureTable& test, const KnnOptions& options) {
  check_tables("k-NN", train, test);
  if (!(options.temperature > 0)) fail<OptionError>("k-NN: temperature ", options.temperature, "; it must be positive.");
  if (options.neighbours.empty()) fail<OptionError>("k-NN: no number of neighbours is given; name at least one.");
  for (const int k : options.neighbours)
    if (k < 1 || k > train.rows()) fail<OptionError>("k-NN: ", k, " neighbours of ", train.rows(), " training pictures; choose 1 to ", train.rows(), ".");
  if (options.standardise) {
    FeatureTable bank = train, asked = test;
    const Standardiser standardise(train);
    standardise.apply(bank), standardise.apply(asked);
    return knn_predict(pool, bank, asked, {options.neighbours, options.temperature});
  }
  using Block = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto unit = [](const FeatureTable& table) {
    Block rows = Eigen::Map<const Block>(table.values.data(), table.rows(), table.width);
    for (Eigen::Index i = 0; i < rows.rows(); ++i) rows.row(i) /= std::max(rows.row(i).norm(), 1e-12f);
    return rows;
  };
  const Block bank = unit(train), queries = unit(test);
  const int most = *std::max_element(options.neighbours.begin(), options.neighbours.end()), classes = train.classes();
  constexpr std::int64_t query_rows = 128, bank_rows = 1024;  // a block of similarities stays in cache
  std::vector<std::vector<int>> predicted(options.neighbours.size(), std::vector<int>(static_cast<std::size_t>(test.rows())));

  pool.run((test.rows() + query_rows - 1) / query_rows, [&](std::int64_t task, int) {
    const std::int64_t first = task * query_rows, count = std::min(query_rows, test.rows() - first);
    using Neighbour = std::pair<float, std::int64_t>;  // similarity, row of the bank
    const auto nearer = [](const Neighbour& a, const Neighbour& b) { return a.first > b.first || (a.first == b.first && a.second < b.second); };
    std::vector<std::vector<Neighbour>> best(static_cast<std::size_t>(count));  // heaps, the farthest on top
    Block similarity;
    for (std::int64_t from = 0; from < train.rows(); from += bank_rows) {
      const std::int64_t width = std::min(bank_rows, train.rows() - from);
      similarity.noalias() = queries.middleRows(first, count) * bank.middleRows(from, width).transpose();
      for (std::int64_t q = 0; q < count; ++q) {
        auto& heap = best[static_cast<std::size_t>(q)];
        for (std::int64_t j = 0; j < width; ++j) {
          const Neighbour one{similarity(q, j), from + j};
          if (static_cast<int>(heap.size()) == most) {
            if (one.first <= heap.front().first) continue;  // an equal one later in the bank is not nearer
            std::pop_heap(heap.begin(), heap.end(), nearer), heap.pop_back();
          }
          heap.push_back(one), std::push_heap(heap.begin(), heap.end(), nearer);
        }
      }
    }
    std::vector<double> votes(static_cast<std::size_t>(classes));
    for (std::int64_t q = 0; q < count; ++q) {
      auto& near = best[static_cast<std::size_t>(q)];
      std::sort(near.begin(), near.end(), nearer);
      for (std::size_t n = 0; n < options.neighbours.size(); ++n) {
        std::fill(votes.begin(), votes.end(), 0.0);
        for (int i = 0; i < options.neighbours[n]; ++i)  // relative to the nearest, so that nothing overflows
          votes[static_cast<std::size_t>(train.labels[static_cast<std::size_t>(near[i].second)])] += std::exp((near[i].first - near[0].first) / options.temperature);
        predicted[n][static_cast<std::size_t>(first + q)] = static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin());
      }
    }
  });
  return predicted;
}

ARVIT_DEFINITION std::vector<double> knn(cpu::Pool& pool, const FeatureTable& train, const FeatureTable& test, const KnnOptions& options) {
  std::vector<double> result;
  for (const auto& predicted : knn_predict(pool, train, test, options)) result.push_back(accuracy(predicted, test.labels));
  return result;
}

}  // namespace arvit
#endif  // ARVIT_DEFINITIONS
