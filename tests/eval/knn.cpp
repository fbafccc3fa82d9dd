// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/knn.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/tables.hpp"

namespace arvit::test {
namespace {

/// The protocol word by word: all similarities, a full sort, votes.
std::vector<int> plain_knn(const FeatureTable& train, const FeatureTable& test, int k) {
  std::vector<int> predicted;
  for (std::int64_t q = 0; q < test.rows(); ++q) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::int64_t i = 0; i < train.rows(); ++i) {
      double dot = 0, aa = 0, bb = 0;
      for (std::int64_t c = 0; c < train.width; ++c) {
        const double x = train.row(i)[c], y = test.row(q)[c];
        dot += x * y;
        aa += x * x;
        bb += y * y;
      }
      all.emplace_back(-dot / std::sqrt(aa * bb), i);
    }
    std::sort(all.begin(), all.end());
    std::vector<double> votes(train.classes());
    for (int i = 0; i < k; ++i)
      votes[train.labels[all[i].second]] += std::exp(-all[i].first / 0.07);
    predicted.push_back(
        static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
  }
  return predicted;
}

TEST_CASE("k-NN: equals the protocol in plain loops, for any number of threads") {
  const FeatureTable train = blobs(3000, 12, 5, 1.4, 1),
                     test = blobs(600, 12, 5, 1.4, 2);  // several blocks of either
  Cpu<Fp32> one({1, {}}), three({3, {}});
  const auto predicted = knn_predict(one, train, test, {{1, 20, 30}});
  CHECK(predicted[0] == plain_knn(train, test, 1));
  CHECK(predicted[1] == plain_knn(train, test, 20));
  CHECK(predicted[2] == plain_knn(train, test, 30));
  CHECK(knn_predict(three, train, test, {{1, 20, 30}}) == predicted);
  const double share = knn(one, train, test, {{20}})[0];
  CHECK(share > 0.5);
  CHECK(share < 1.0);
}

TEST_CASE("k-NN: standardised columns weigh the same, whatever their scale and offset") {
  FeatureTable train = blobs(600, 12, 5, 1.4, 1), test = blobs(200, 12, 5, 1.4, 2);
  Cpu<Fp32> device({1, {}});
  const auto before = knn_predict(device, train, test, {.neighbours = {10}, .standardise = true});
  for (FeatureTable* const table : {&train, &test})
    for (std::int64_t i = 0; i < table->rows(); ++i)
      table->values[i * 12 + 3] = 1000 + 64 * table->values[i * 12 + 3];
  const auto plain = knn_predict(device, train, test, {.neighbours = {10}}),
             after = knn_predict(device, train, test, {.neighbours = {10}, .standardise = true});
  int differ = 0, plainly = 0;
  for (std::size_t i = 0; i < after[0].size(); ++i) {
    differ += after[0][i] != before[0][i];
    plainly += plain[0][i] != before[0][i];
  }
  CHECK(differ <= 2);
  CHECK(plainly > 20);
}

TEST_CASE("k-NN: what cannot be is refused") {
  Cpu<Fp32> device({1, {}});
  FeatureTable train = blobs(10, 3, 2, 1, 1), test = blobs(4, 3, 2, 1, 2);
  CHECK_THROWS_WITH_AS(knn(device, train, test, {{20}}),
                       "k-NN: 20 neighbours of 10 training pictures; choose 1 to 10.", OptionError);
  CHECK_THROWS_AS(knn(device, train, blobs(4, 2, 2, 1, 2), {{2}}), ShapeError);
  test.labels[1] = -1;
  CHECK_THROWS_WITH_AS(knn(device, train, test, {{2}}), doctest::Contains("has no label"),
                       ShapeError);
  test.labels[1] = 0;
  train.values[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(knn(device, train, test, {{2}}), NumericError);
}

}  // namespace
}  // namespace arvit::test
