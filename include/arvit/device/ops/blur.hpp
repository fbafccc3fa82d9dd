// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>

#include "arvit/device/ops/images.hpp"

namespace arvit {

/// The numbers of a one-dimensional kernel, by value: nothing to upload, and nothing to outlive the
/// call.
template <class S> struct BlurTaps {
  static constexpr int most = 64;
  int count = 0;
  std::array<S, most> weight{};
};

namespace ops {

/// Separable blur with a symmetric kernel of odd length and zero padding, lines and then columns.
/// images, result [images, channels, height, width]
template <class P, class Space> struct BlurOn {
  static constexpr std::string_view name = "blur";
  Values<P, Space> images;
  ImageShape shape;
  BlurTaps<typename P::Statistic> taps;
  Span<typename P::Statistic, Space> result;
  void check() const {
    detail::columns_equal(name, images.size(), result.size());
    if (taps.count % 2 == 0)
      fail<ShapeError>("blur: a kernel of ", taps.count,
                       " numbers has no centre; use an odd length.");
    if (taps.count < 0 || taps.count > taps.most)
      fail<ShapeError>("blur: a kernel of ", taps.count, " numbers; at most ", taps.most,
                       " are passed on.");
    detail::check_images(name, images.size(), shape);
  }
  Cost cost() const {
    return {"blur", images.size() / shape.width, shape.width, 0, 0, 2 * detail::bytes(images)};
  }
};

template <class D> using Blur = BlurOn<typename D::Precision, typename D::Space>;

}  // namespace ops
}  // namespace arvit
