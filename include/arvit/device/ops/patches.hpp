// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/images.hpp"

/// Rows of patches from planar images. images [images, channels, height, width]
/// y [rows, patch_width()], rows as `from` names them; a class token's row is zero.
namespace arvit::ops {

namespace detail {
template <class V, class Space, class M>
void check_patches(std::string_view name, const V& images, const ImageShape& shape,
                   const PatchRows<Space>& from, const M& y) {
  rows_equal(name, y.rows(), from.source.size());
  columns_equal(name, y.columns(), shape.patch_width());
  check_images(name, images.size(), shape);
}
}  // namespace detail

/// y = patches, channel first: as the weight of a convolution reads them.
template <class P, class Space> struct EmbedPatchesOn {
  static constexpr std::string_view name = "embed_patches";
  Values<P, Space> images;
  ImageShape shape;
  PatchRows<Space> from;
  Out<P, Space> y;
  void check() const { detail::check_patches(name, images, shape, from, y); }
  Cost cost() const { return detail::pass("patches", y, 2 * detail::bytes(y)); }
};

/// y = patches, channel last (MAE). Standardised: each row minus its mean, over sqrt(its unbiased
/// variance + 1e-6).
template <class P, class Space> struct TargetPatchesOn {
  static constexpr std::string_view name = "target_patches";
  Values<P, Space> images;
  ImageShape shape;
  PatchRows<Space> from;
  bool standardise;
  Statistics<P, Space> y;
  void check() const { detail::check_patches(name, images, shape, from, y); }
  Cost cost() const { return detail::pass("target", y, 2 * detail::bytes(y)); }
};

template <class D> using EmbedPatches = EmbedPatchesOn<typename D::Precision, typename D::Space>;
template <class D> using TargetPatches = TargetPatchesOn<typename D::Precision, typename D::Space>;

}  // namespace arvit::ops
