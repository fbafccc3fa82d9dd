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
  bool standardise =
      false;  ///< first every column, by the training table's mean and deviation, as the probes do
};

/// Weighted k nearest neighbours as SemAIM evaluates, after DINO: features of length 1, each of the
/// k most similar training pictures votes for its class with weight exp(similarity / temperature);
/// ties go to the lower class. Result [neighbours.size()][test rows]: the predicted classes. Equal
/// bits for any number of threads.
std::vector<std::vector<int>> knn_predict(Cpu<Fp32>& device, const FeatureTable& train,
                                          const FeatureTable& test, const KnnOptions& options = {});

/// Accuracy for every k of the options.
std::vector<double> knn(Cpu<Fp32>& device, const FeatureTable& train, const FeatureTable& test,
                        const KnnOptions& options = {});

}  // namespace arvit

#if ARVIT_DEFINITIONS
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "arvit/core/error.hpp"

namespace arvit {

ARVIT_DEFINITION std::vector<std::vector<int>> knn_predict(Cpu<Fp32>& device,
                                                           const FeatureTable& train,
                                                           const FeatureTable& test,
                                                           const KnnOptions& options) {
  check_tables("k-NN", train, test);
  if (!(options.temperature > 0))
    fail<OptionError>("k-NN: temperature ", options.temperature, "; it must be positive.");
  if (options.neighbours.empty())
    fail<OptionError>("k-NN: no number of neighbours is given; name at least one.");
  for (const int k : options.neighbours)
    if (k < 1 || k > train.rows())
      fail<OptionError>("k-NN: ", k, " neighbours of ", train.rows(),
                        " training pictures; choose 1 to ", train.rows(), ".");
  if (options.standardise) {
    FeatureTable bank = train, asked = test;
    const Standardiser standardise(train);
    standardise.apply(bank), standardise.apply(asked);
    return knn_predict(device, bank, asked, {options.neighbours, options.temperature});
  }
  const auto unit = [](const FeatureTable& table) {
    std::vector<float> rows = table.values;
    for (std::int64_t i = 0; i < table.rows(); ++i) {
      Eigen::Map<Eigen::RowVectorXf> row(rows.data() + i * table.width, table.width);
      row /= std::max(row.norm(), 1e-12f);
    }
    return rows;
  };
  const std::vector<float> bank = unit(train), queries = unit(test);
  const int most = *std::max_element(options.neighbours.begin(), options.neighbours.end()),
            classes = train.classes();
  constexpr std::int64_t query_rows = 512, bank_rows = 2048;  // a block of similarities is 4 MiB
  std::vector<std::vector<int>> predicted(options.neighbours.size(),
                                          std::vector<int>(static_cast<std::size_t>(test.rows())));
  using Neighbour = std::pair<float, std::int64_t>;  // similarity, row of the bank
  const auto nearer = [](const Neighbour& a, const Neighbour& b) {
    return a.first > b.first || (a.first == b.first && a.second < b.second);
  };
  std::vector<float> similarity(static_cast<std::size_t>(query_rows * bank_rows));

  for (std::int64_t first = 0; first < test.rows(); first += query_rows) {
    const std::int64_t count = std::min(query_rows, test.rows() - first);
    std::vector<std::vector<Neighbour>> best(
        static_cast<std::size_t>(count));  // heaps, the farthest on top
    for (std::int64_t from = 0; from < train.rows(); from += bank_rows) {
      const std::int64_t width = std::min(bank_rows, train.rows() - from);
      device.run(
          ops::Linear<Cpu<Fp32>>{.x = {queries.data() + first * train.width, count, train.width},
                                 .w = {bank.data() + from * train.width, width, train.width},
                                 .y = {similarity.data(), count, width}});
      device.for_each(count, [&](std::int64_t q) {
        auto& heap = best[static_cast<std::size_t>(q)];
        for (std::int64_t j = 0; j < width; ++j) {
          const Neighbour one{similarity[static_cast<std::size_t>(q * width + j)], from + j};
          if (static_cast<int>(heap.size()) == most) {
            if (one.first <= heap.front().first)
              continue;  // an equal one later in the bank is not nearer
            std::pop_heap(heap.begin(), heap.end(), nearer), heap.pop_back();
          }
          heap.push_back(one), std::push_heap(heap.begin(), heap.end(), nearer);
        }
      });
    }
    device.for_each(count, [&](std::int64_t q) {
      auto& near = best[static_cast<std::size_t>(q)];
      std::sort(near.begin(), near.end(), nearer);
      for (std::size_t n = 0; n < options.neighbours.size(); ++n) {
        std::vector<double> votes(static_cast<std::size_t>(classes));
        for (int i = 0; i < options.neighbours[n];
             ++i)  // relative to the nearest, so that nothing overflows
          votes[static_cast<std::size_t>(train.labels[static_cast<std::size_t>(near[i].second)])] +=
              std::exp((near[i].first - near[0].first) / options.temperature);
        predicted[n][static_cast<std::size_t>(first + q)] = static_cast<int>(
            std::max_element(votes.begin(), votes.end()) - votes.begin());
      }
    });
  }
  return predicted;
}

ARVIT_DEFINITION std::vector<double> knn(Cpu<Fp32>& device, const FeatureTable& train,
                                         const FeatureTable& test, const KnnOptions& options) {
  std::vector<double> result;
  for (const auto& predicted : knn_predict(device, train, test, options))
    result.push_back(accuracy(predicted, test.labels));
  return result;
}

}  // namespace arvit
#endif  // ARVIT_DEFINITIONS
