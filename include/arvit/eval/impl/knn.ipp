// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/eval/knn.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "arvit/core/error.hpp"

namespace arvit {

namespace detail {

/// A picture of the bank: its similarity, its row.
using Neighbour = std::pair<float, std::int64_t>;
/// Of equally similar pictures the earlier one is nearer.
ARVIT_DEFINITION bool nearer(const Neighbour& a, const Neighbour& b) {
  return a.first > b.first || (a.first == b.first && a.second < b.second);
}
/// Keeps the `most` nearest in a heap, the farthest on top.
ARVIT_DEFINITION void keep_nearest(std::vector<Neighbour>& heap, int most, const Neighbour& one) {
  if (static_cast<int>(heap.size()) == most) {
    // An equal one later in the bank is not nearer.
    if (one.first <= heap.front().first) return;
    std::pop_heap(heap.begin(), heap.end(), nearer);
    heap.pop_back();
  }
  heap.push_back(one);
  std::push_heap(heap.begin(), heap.end(), nearer);
}

/// The rows of a table, each divided by its length.
ARVIT_DEFINITION std::vector<float> unit_rows(const FeatureTable& table) {
  std::vector<float> rows = table.values;
  for (std::int64_t i = 0; i < table.rows(); ++i) {
    Eigen::Map<Eigen::RowVectorXf> row(rows.data() + i * table.width, table.width);
    row /= std::max(row.norm(), 1e-12f);
  }
  return rows;
}

ARVIT_DEFINITION void check_knn(const FeatureTable& train, const FeatureTable& test,
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
}

}  // namespace detail

ARVIT_DEFINITION std::vector<std::vector<int>> knn_predict(Cpu<Fp32>& device,
                                                           const FeatureTable& train,
                                                           const FeatureTable& test,
                                                           const KnnOptions& options) {
  detail::check_knn(train, test, options);
  if (options.standardise) {
    FeatureTable bank = train, asked = test;
    const Standardiser standardise(train);
    standardise.apply(bank);
    standardise.apply(asked);
    return knn_predict(device, bank, asked, {options.neighbours, options.temperature});
  }
  const std::vector<float> bank = detail::unit_rows(train), queries = detail::unit_rows(test);
  const int most = *std::max_element(options.neighbours.begin(), options.neighbours.end());
  const int classes = train.classes();
  constexpr std::int64_t query_rows = 512, bank_rows = 2048;  // a block of similarities is 4 MiB
  std::vector<float> similarity(query_rows * bank_rows);
  std::vector<std::vector<int>> predicted(options.neighbours.size(), std::vector<int>(test.rows()));

  for (std::int64_t first = 0; first < test.rows(); first += query_rows) {
    const std::int64_t count = std::min(query_rows, test.rows() - first);
    std::vector<std::vector<detail::Neighbour>> best(count);  // a heap for each query
    for (std::int64_t from = 0; from < train.rows(); from += bank_rows) {
      const std::int64_t width = std::min(bank_rows, train.rows() - from);
      // similarity [count, width] = queries bank^T
      device.run(
          ops::Linear<Cpu<Fp32>>{.x = {queries.data() + first * train.width, count, train.width},
                                 .w = {bank.data() + from * train.width, width, train.width},
                                 .y = {similarity.data(), count, width}});
      device.for_each(count, [&](std::int64_t q) {
        for (std::int64_t j = 0; j < width; ++j)
          detail::keep_nearest(best[q], most, {similarity[q * width + j], from + j});
      });
    }
    device.for_each(count, [&](std::int64_t q) {
      auto& near = best[q];
      std::sort(near.begin(), near.end(), detail::nearer);
      for (std::size_t n = 0; n < options.neighbours.size(); ++n) {
        std::vector<double> votes(classes);
        // Relative to the nearest, so that nothing overflows.
        for (int i = 0; i < options.neighbours[n]; ++i)
          votes[train.labels[near[i].second]] += std::exp((near[i].first - near[0].first) /
                                                          options.temperature);
        predicted[n][first + q] = static_cast<int>(std::max_element(votes.begin(), votes.end()) -
                                                   votes.begin());
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
