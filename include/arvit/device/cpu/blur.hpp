// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>

#include "arvit/device/cpu/context.hpp"
#include "arvit/device/ops/blur.hpp"

/// Separable blur of planar images with zero padding.
namespace arvit::cpu {

struct BlurArgs {
  const float *images, *kernel;
  float* result;
  std::int64_t height, width, taps;
};

namespace detail {
struct BlurTask {  // one plane: lines into scratch, then columns into the result
  template <class Isa>
  static ARVIT_INLINE void run(const BlurArgs* p, std::int64_t plane, float* scratch) {
    using V = Floats<Isa::width>;
    const std::int64_t height = p->height, width = p->width, half = p->taps / 2;
    const float* const in = p->images + plane * height * width;
    float* const out = p->result + plane * height * width;
    float *const padded = scratch, *const lines = scratch + width + 2 * half;
    std::fill_n(padded, half, 0.f);
    std::fill_n(padded + half + width, half, 0.f);
    for (std::int64_t y = 0; y < height; ++y) {
      std::copy_n(in + y * width, width, padded + half);
      each_vector<V>(width, [&](std::int64_t x, std::int64_t count) ARVIT_INLINE_LAMBDA {
        V sum = {};
        for (std::int64_t tap = 0; tap < p->taps; ++tap)
          sum = fma(V::splat(p->kernel[tap]), V::load(padded + x + tap, count), sum);
        sum.store(lines + y * width + x, count);
      });
    }
    for (std::int64_t y = 0; y < height; ++y) {
      const std::int64_t first = std::max<std::int64_t>(0, half - y),
                         last = std::min(p->taps, height + half - y);
      each_vector<V>(width, [&](std::int64_t x, std::int64_t count) ARVIT_INLINE_LAMBDA {
        V sum = {};
        for (std::int64_t tap = first; tap < last; ++tap)
          sum = fma(V::splat(p->kernel[tap]), V::load(lines + (y + tap - half) * width + x, count),
                    sum);
        sum.store(out + y * width + x, count);
      });
    }
  }
};
}  // namespace detail

template <class P> void blur(Context& context, const ops::BlurOn<P, HostSpace>& op) {
  const std::int64_t planes = op.images.size() / op.shape.size() * op.shape.channels;
  const BlurArgs args{op.images.data(), op.taps.weight.data(), op.result.data(),
                      op.shape.height,  op.shape.width,        op.taps.count};
  context.reserve_own(args.width + args.taps + args.height * args.width);
  context.each<detail::BlurTask>(planes, &args);
}

}  // namespace arvit::cpu
