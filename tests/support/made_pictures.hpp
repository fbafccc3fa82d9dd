// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/data/loader.hpp"
#include "arvit/variants.hpp"

namespace arvit::test {

/// A data set in memory whose pictures are stripes of their own colours and widths.
struct MadePictures {
  std::int64_t count = 12;
  int side = 12;
  std::int64_t size() const { return count; }
  int label(std::int64_t i) const { return static_cast<int>(i % 3); }
  Picture picture(std::int64_t i) const {
    Picture picture(side, side);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        for (int c = 0; c < 3; ++c)
          picture.row(y)[3 * x + c] = static_cast<std::uint8_t>(
              37 * i + 11 * c + (x + y * (static_cast<int>(i) % 3)) / 2 * 29);
    return picture;
  }
};

/// A model of a few hundred parameters on 3 x 3 patches.
template <class Order = Stochastic>
using SmallModel = Pretrainer<ViT<2, 8, 2, Patch<4>, Image<12>>, Decoder<Parallel<2>>,
                              OrderPolicy<Order>, Target<Pixel>>;

inline auto made_loader(const MadePictures& pictures, int micro_batch, int accumulation,
                        std::uint64_t seed, int threads = 1) {
  TrainTransformOptions transform;
  transform.height = transform.width = pictures.side;
  LoaderOptions options;
  options.batch = micro_batch;
  options.group = accumulation;
  options.seed = seed;
  options.threads = threads;
  options.buffers = 2;
  return Loader<MadePictures, TrainTransform>(pictures, TrainTransform(transform), options);
}

}  // namespace arvit::test
