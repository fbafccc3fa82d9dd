// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/teacher/codebook.hpp"

namespace arvit::test {

/// `count` values in [0, 1]; with `steps` multiples of 1 / steps (a power of two: their products
/// and sums are exact, so that ties are ties).
inline std::vector<float> values(std::int64_t count, std::uint64_t seed, std::uint32_t steps = 0) {
  Stream stream(Counter{seed});
  std::vector<float> result(static_cast<std::size_t>(count));
  for (float& value : result)
    value = steps == 0 ? stream.uniform()
                       : static_cast<float>(stream.below(steps + 1)) / static_cast<float>(steps);
  return result;
}
inline Codebook random_codebook(int codes, int patch, std::uint64_t seed, std::uint32_t steps = 0) {
  return {patch, values(std::int64_t{codes} * 3 * patch * patch, seed, steps), "made up", seed,
          0.25};
}
inline double squared(const float* a, const float* b, int width) {
  double sum = 0;
  for (int c = 0; c < width; ++c) sum += (double{a[c]} - b[c]) * (double{a[c]} - b[c]);
  return sum;
}
inline std::int32_t plain_nearest(const Codebook& codebook, const float* patch) {
  std::int32_t best = 0;
  for (std::int32_t code = 1; code < codebook.codes(); ++code)
    if (squared(patch, codebook.centroids.data() + code * codebook.width(), codebook.width()) <
        squared(patch, codebook.centroids.data() + best * codebook.width(), codebook.width()))
      best = code;
  return best;
}

}  // namespace arvit::test
