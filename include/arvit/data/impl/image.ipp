// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/data/image.hpp"

namespace arvit {

ARVIT_DEFINITION void Resizer::operator()(PictureView in, Interpolation interpolation,
                                          Picture& out) {
  if (in.empty() || out.height() <= 0 || out.width() <= 0)
    fail<ShapeError>("resize: from ", in.height, "x", in.width, " to ", out.height(), "x",
                     out.width(), " pixels; both sizes must be positive.");
  if (in.height == out.height() && in.width == out.width()) {
    for (int y = 0; y < in.height; ++y)
      std::copy_n(in.row(y), std::int64_t{3} * in.width, out.row(y));
    return;
  }
  across_.prepare(in.width, out.width(), interpolation);
  down_.prepare(in.height, out.height(), interpolation);
  const std::int64_t out_stride = detail::round_up(std::int64_t{3} * out.width(), 32);
  const auto grow = [](std::vector<std::uint8_t>& bytes, std::int64_t size) {
    if (static_cast<std::int64_t>(bytes.size()) < size) bytes.resize(size);
    return bytes.data();
  };
  const detail::ResizeJob job{in,
                              &out,
                              &across_,
                              &down_,
                              grow(tile_in_, 32 * detail::round_up(std::int64_t{3} * in.width, 16)),
                              grow(tile_out_, 32 * out_stride),
                              grow(between_, detail::round_up(in.height, 32) * out_stride),
                              out_stride};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return detail::resize_avx2(job);
#endif
  detail::resize_portable(job);
}

}  // namespace arvit
