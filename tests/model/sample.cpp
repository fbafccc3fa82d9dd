// SPDX-License-Identifier: BSL-1.0
#include "arvit/model/sample.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <set>

namespace arvit::test {
namespace {

const std::vector<float> scores{0.5f, -1, 2, 0, 2, 1.5f, -3, 1};

std::vector<int> drawn(int draws, const Sampling& sampling, std::span<const float> from = scores) {
  std::vector<int> counts(from.size());
  for (int i = 0; i < draws; ++i)
    ++counts[static_cast<std::size_t>(
        draw_code(from, sampling, Counter{5, 0, static_cast<std::uint32_t>(i), Purpose::sample}))];
  return counts;
}
/// Sum of (found - expected)^2 / expected for softmax(scores / temperature) over `codes`.
double chi_square(const std::vector<int>& counts, double temperature, const std::set<int>& codes) {
  double sum = 0, total = 0, result = 0;
  for (const int code : codes)
    sum += std::exp(static_cast<double>(scores[static_cast<std::size_t>(code)]) / temperature);
  for (const int count : counts) total += count;
  for (const int code : codes) {
    const double expected = total *
                            std::exp(static_cast<double>(scores[static_cast<std::size_t>(code)]) /
                                     temperature) /
                            sum,
                 found = counts[static_cast<std::size_t>(code)];
    result += (found - expected) * (found - expected) / expected;
  }
  return result;
}

TEST_CASE("sample: draws are distributed as the softmax") {
  const std::set<int> all{0, 1, 2, 3, 4, 5, 6, 7};
  // 7 degrees of freedom: beyond 24.3 once in a thousand. The wrong temperature is far beyond.
  CHECK(chi_square(drawn(40000, {}), 1, all) < 24.3);
  CHECK(chi_square(drawn(40000, {.temperature = 0.5}), 0.5, all) < 24.3);
  CHECK(chi_square(drawn(40000, {.temperature = 3}), 3, all) < 24.3);
  CHECK(chi_square(drawn(40000, {.temperature = 3}), 2.5, all) > 100);
}

TEST_CASE("sample: top-k draws from the k highest scores alone, of equal ones the lowest") {
  const auto three = drawn(40000, {.top_k = 3});
  CHECK(chi_square(three, 1, {2, 4, 5}) < 13.8);  // 2 degrees of freedom
  for (const std::size_t code : {0, 1, 3, 6, 7}) CHECK(three[code] == 0);
  CHECK(drawn(100, {.top_k = 1})[2] == 100);
  CHECK(drawn(1000, {.top_k = 8}) == drawn(1000, {}));
  CHECK(drawn(1000, {.top_k = 1000}) == drawn(1000, {}));
}

TEST_CASE("sample: a temperature of 0 gives the highest score, and one that goes to 0 does") {
  CHECK(drawn(100, {.temperature = 0})[2] == 100);
  const std::vector<float> apart{1, 3, 2};
  CHECK(drawn(1000, {.temperature = 1e-3}, apart)[1] == 1000);
  CHECK(drawn(1000, {.temperature = 1e-300}, apart)[1] == 1000);
}

TEST_CASE("sample: what cannot be drawn from is refused") {
  CHECK_THROWS_AS(check(Sampling{.temperature = -1}), OptionError);
  CHECK_THROWS_AS(check(Sampling{.temperature = std::numeric_limits<double>::quiet_NaN()}),
                  OptionError);
  CHECK_THROWS_AS(check(Sampling{.temperature = std::numeric_limits<double>::infinity()}),
                  OptionError);
  CHECK_THROWS_AS(check(Sampling{.top_k = -1}), OptionError);
  check(Sampling{.temperature = 0, .top_k = 5});
  CHECK_THROWS_AS(drawn(1, {}, std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()}),
                  Error);
  CHECK_THROWS_AS(drawn(1, {}, std::vector<float>{1, std::numeric_limits<float>::infinity()}),
                  Error);
}

}  // namespace
}  // namespace arvit::test
