// SPDX-License-Identifier: BSL-1.0
#include "arvit/order/semantic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "arvit/core/random.hpp"

namespace arvit::test {
namespace {

/// Keys by distance from similarities as they are, without filter and softmax.
std::vector<float> keys_of(std::vector<double> similarity, int columns, int centers,
                           std::vector<float> noise = {}, double lambda = 0) {
  std::vector<double> filtered(similarity.size());
  noise.resize(similarity.size());
  std::vector<float> key(similarity.size(), -1.0f);
  const int rows = static_cast<int>(similarity.size()) / columns;
  detail::SemanticKeysWork{similarity.data(),
                           filtered.data(),
                           noise.data(),
                           key.data(),
                           rows,
                           columns,
                           detail::Rule::distance,
                           detail::SimilarityFilter::none,
                           false,
                           lambda,
                           centers}(0);
  return key;
}
/// The distance from each patch to the nearest of `centers`, (row, column).
std::vector<float> distances(int rows, int columns,
                             const std::vector<std::pair<int, int>>& centers) {
  std::vector<float> result;
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x) {
      double nearest = 1e9;
      for (const auto& [cy, cx] : centers)
        nearest = std::min(nearest, std::sqrt((cy - y) * (cy - y) + (cx - x) * (cx - x)));
      result.push_back(static_cast<float>(nearest));
    }
  return result;
}

TEST_CASE("semantic: further centres are the next peaks, not the next patches") {
  const std::vector<double> s{0.1, 0.2, 0.1, 0.1, 0.6,   //
                              0.2, 0.9, 0.8, 0.1, 0.1,   //
                              0.1, 0.7, 0.1, 0.1, 0.3};  // peaks: 0.9, 0.6, 0.3
  CHECK(keys_of(s, 5, 1) == distances(3, 5, {{1, 1}}));
  CHECK(keys_of(s, 5, 2) == distances(3, 5, {{1, 1}, {0, 4}}));
  CHECK(keys_of(s, 5, 3) == distances(3, 5, {{1, 1}, {0, 4}, {2, 4}}));
  CHECK(keys_of(s, 5, 4) == keys_of(s, 5, 3));  // there is no fourth
}
TEST_CASE("semantic: equal peaks come in reading order, and equal neighbours are peaks") {
  CHECK(keys_of({1, 0, 1, 0, 1, 0, 1}, 7, 2) == distances(1, 7, {{0, 0}, {0, 2}}));
  CHECK(keys_of({0, 0, 2, 2, 0, 0, 1}, 7, 2) == distances(1, 7, {{0, 2}, {0, 3}}));
  CHECK(keys_of({0, 0, 2, 2, 0, 0, 1}, 7, 3) == distances(1, 7, {{0, 2}, {0, 3}, {0, 6}}));
  CHECK(keys_of({0.5, 0.5, 0.5, 0.5}, 2, 2) == distances(2, 2, {{0, 0}, {0, 1}}));
}
TEST_CASE("semantic: centres of random similarities against a search of all peaks") {
  constexpr int rows = 9, columns = 11;
  Stream random(Counter{.seed = 1});
  for (int plane = 0; plane < 50; ++plane) {
    std::vector<double> s(rows * columns);
    for (double& value : s) value = random.below(40);  // with ties
    std::vector<std::pair<double, int>> peaks;         // sorted by descending value, then place
    for (int i = 0; i < rows * columns; ++i) {
      double around = 0;
      for (int j = 0; j < rows * columns; ++j)
        if (std::abs(i / columns - j / columns) <= 1 && std::abs(i % columns - j % columns) <= 1)
          around = std::max(around, s[j]);
      if (s[i] == around) peaks.emplace_back(-around, i);
    }
    std::sort(peaks.begin(), peaks.end());
    std::vector<std::pair<int, int>> centers;
    for (std::size_t m = 0; m < 5 && m < peaks.size(); ++m) {
      centers.emplace_back(peaks[m].second / columns, peaks[m].second % columns);
      CHECK(keys_of(s, columns, static_cast<int>(m) + 1) == distances(rows, columns, centers));
    }
  }
}
TEST_CASE("semantic: noise is added to the distance, Eq. 5, to the last bit") {
  const std::vector<double> s{0.1, 0.3, 0.1, 0.9, 0.2, 0.4};
  std::vector<float> noise(6);
  fill_uniform(noise, {.seed = 6});
  const auto keys = keys_of(s, 3, 1, noise, 0.01);
  for (int i = 0; i < 6; ++i) {
    const int dy = 1 - i / 3, dx = 0 - i % 3;
    CHECK(keys[i] == static_cast<float>(std::sqrt(static_cast<double>(dy * dy + dx * dx)) +
                                        0.01 * static_cast<double>(noise[i])));
  }
}

}  // namespace
}  // namespace arvit::test
