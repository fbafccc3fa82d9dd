// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/data/dataset.hpp"
#include "arvit/data/loader.hpp"

namespace arvit {

/// Some pictures of a set as a model reads them: [counters.size(), 3, height, width].
struct PictureBatch {
  std::vector<float> images;
  std::vector<Counter> counters;
};

/// `count` pictures, or all of a smaller set; which ones follows from the seed. A picture that
/// cannot be read is an error.
template <Dataset Set, Transform T>
PictureBatch draw_pictures(const Set& set, T transform, int count, std::uint64_t seed) {
  const auto [drawn, others] = hold_out(set.size(), std::min<std::int64_t>(count, set.size()),
                                        seed);
  const std::size_t pixels = std::size_t{3} * transform.height() * transform.width();
  PictureBatch batch;
  batch.images.resize(drawn.size() * pixels);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    batch.counters.push_back({seed, 0, static_cast<std::uint32_t>(drawn[i])});
    transform(steady_picture(set, drawn[i]), batch.counters.back(),
              batch.images.data() + i * pixels);
  }
  return batch;
}

}  // namespace arvit
