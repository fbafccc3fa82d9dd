// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/core/random.hpp"

namespace arvit {

/// How a code is drawn from the scores that a prediction gives each.
struct Sampling {
  double temperature =
      1;  ///< codes are drawn as softmax(scores / temperature); 0: the highest score
  int top_k =
      0;  ///< from the k codes of the highest scores alone, of equal ones the lowest; 0: from all
};
/// OptionError unless the temperature is finite, and neither number negative.
inline void check(const Sampling& sampling) {
  if (!(sampling.temperature >= 0) || std::isinf(sampling.temperature))
    fail<OptionError>("the temperature is ", sampling.temperature, "; it must be 0 or more.");
  if (sampling.top_k < 0)
    fail<OptionError>("codes are drawn from the ", sampling.top_k,
                      " likeliest; it must be 0 (all codes) or more.");
}

/// The code, one of scores.size(); it follows from the counter alone, which names one patch of one
/// picture.
template <class T>
std::int32_t draw_code(std::span<const T> scores, const Sampling& sampling, Counter counter) {
  for (const T score : scores)
    if (!std::isfinite(static_cast<double>(score)))
      fail("prediction: a score is ", score,
           "; the checkpoint's parameters are no good, use an earlier one.");
  const auto higher = [&](std::int32_t a, std::int32_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  std::vector<std::int32_t> codes(scores.size());
  std::iota(codes.begin(), codes.end(), 0);
  const std::int32_t best = *std::min_element(codes.begin(), codes.end(), higher);
  if (sampling.temperature == 0) return best;
  if (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < codes.size()) {
    std::nth_element(codes.begin(), codes.begin() + sampling.top_k, codes.end(), higher);
    codes.resize(sampling.top_k);
    std::sort(codes.begin(), codes.end());  // whatever nth_element leaves behind
  }
  std::vector<double> upto(codes.size());  // sums of exp((score - best) / temperature)
  double sum = 0;
  for (std::size_t i = 0; i < codes.size(); ++i)
    upto[i] = sum += std::exp(
        (static_cast<double>(scores[codes[i]]) - static_cast<double>(scores[best])) /
        sampling.temperature);
  const double drawn = sum * (static_cast<double>(Stream(counter).bits()) * 0x1p-32);
  return codes[std::upper_bound(upto.begin(), upto.end(), drawn) - upto.begin()];  // drawn < sum
}

}  // namespace arvit
