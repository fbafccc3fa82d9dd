// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>

#include "arvit/core/dtype.hpp"
#include "arvit/core/host_device.hpp"

/// What is read from the tokens of a batch, as work for Device::for_each: means, class tokens,
/// cosines, and what the class token reads. Sums are in double, in the order of the tokens.
namespace arvit::detail {

template <class A> ARVIT_HOST_DEVICE inline double widened(A value) {
  return static_cast<double>(static_cast<Accumulator<A>>(value));
}

template <class A, class B>
ARVIT_HOST_DEVICE inline double cosine(const A* a, const B* b, std::int64_t width) {
  double dot = 0, aa = 0, bb = 0;
  for (std::int64_t c = 0; c < width; ++c) {
    const double x = widened(a[c]), y = widened(b[c]);
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / std::sqrt(aa * bb + 1e-300);
}

/// out[image, patch] = cosine of vector `to` of the image and its patch token; one patch per call.
template <class A, class B, class S> struct CosineWork {
  const B* to;  // [images], to_stride apart
  std::int64_t to_stride;
  const A* tokens;
  std::int64_t stride, per_image, patches, dim;  // per_image: tokens of an image, the patches last
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t image = i / patches, patch = i % patches;
    const A* const token = tokens + ((image + 1) * per_image - patches + patch) * stride;
    out[image * out_stride + patch] = static_cast<S>(cosine(to + image * to_stride, token, dim));
  }
};

/// out[image, part, c] = mean of tokens first + part * count .. + count of the image; one channel
/// of one part per call.
template <class A, class S> struct MeanOfTokensWork {
  const A* tokens;
  std::int64_t stride, per_image, dim, parts, first, count;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t c = i % dim, part = i / dim % parts, image = i / (dim * parts);
    const A* row = tokens + (image * per_image + first + part * count) * stride + c;
    double sum = 0;
    for (std::int64_t t = 0; t < count; ++t) sum += widened(row[t * stride]);
    out[image * out_stride + part * dim + c] = static_cast<S>(sum / static_cast<double>(count));
  }
};

/// out[image] = mean of the image's patch rows; one channel of one image per call.
template <class A, class S> struct MeanOfPatchesWork {
  const A* rows;
  std::int64_t stride, per_image, dim;
  const std::int32_t* source;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t image = i / dim, c = i % dim;
    double sum = 0;
    std::int64_t count = 0;
    for (std::int64_t row = image * per_image; row < (image + 1) * per_image; ++row)
      if (source[row] >= 0) {
        sum += widened(rows[row * stride + c]);
        ++count;
      }
    out[image * out_stride + c] = static_cast<S>(sum / static_cast<double>(count));
  }
};
/// out[image] = the image's first class row; one channel of one image per call.
template <class A, class S> struct ClassRowsWork {
  const A* rows;
  std::int64_t stride, dim;
  const std::int32_t* class_rows;
  std::int64_t per_image;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    out[i / dim * out_stride + i % dim] = static_cast<S>(
        static_cast<Accumulator<A>>(rows[class_rows[i / dim * per_image] * stride + i % dim]));
  }
};
/// out[row] = from[row, width], rows of `out` further apart; one number per call.
template <class S> struct CopyRowsWork {
  const S* from;
  std::int64_t width;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    out[i / width * out_stride + i % width] = from[i];
  }
};

/// The scores of an image's class token for its tokens, head by head: q k / sqrt(dim / heads).
template <class A> struct ClassScores {
  const A* qkv;
  std::int64_t stride, tokens, dim, heads;  // tokens: of an image, the class token first
  ARVIT_HOST_DEVICE double operator()(std::int64_t image, std::int64_t head,
                                      std::int64_t token) const {
    const std::int64_t head_dim = dim / heads, class_row = image * tokens;
    const A* const q = qkv + class_row * stride + head * head_dim;
    const A* const k = qkv + (class_row + token) * stride + dim + head * head_dim;
    double dot = 0;
    for (std::int64_t c = 0; c < head_dim; ++c) dot += widened(q[c]) * widened(k[c]);
    return dot / std::sqrt(static_cast<double>(head_dim));
  }
};

/// out[image, head, patch] = softmax over all tokens of the class token's scores; one head of one
/// image per call.
template <class A, class S> struct ClassRowWork {
  ClassScores<A> score;
  std::int64_t patches;  // the last tokens
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t head = i % score.heads, image = i / score.heads, tokens = score.tokens;
    S* row = out + image * out_stride + head * patches;
    const std::int64_t first = tokens - patches;
    double top = score(image, head, 0);
    for (std::int64_t t = 1; t < tokens; ++t) {
      const double value = score(image, head, t);
      if (t >= first) row[t - first] = static_cast<S>(value);
      top = value > top ? value : top;
    }
    double sum = 0;
    for (std::int64_t t = 0; t < first; ++t) sum += std::exp(score(image, head, t) - top);
    for (std::int64_t p = 0; p < patches; ++p) sum += std::exp(static_cast<double>(row[p]) - top);
    for (std::int64_t p = 0; p < patches; ++p)
      row[p] = static_cast<S>(std::exp(static_cast<double>(row[p]) - top) / sum);
  }
};

}  // namespace arvit::detail
