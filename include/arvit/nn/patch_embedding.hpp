// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/core/arena.hpp"
#include "arvit/nn/linear.hpp"

namespace arvit {

/// A batch of images on a device, and the codes that a tokenizer gave their patches; an encoder reads one of the two, the other may be empty.
template <class D>
struct Pictures {
  Span<const Statistic<D>, SpaceOf<D>> pixels;  ///< [images, 3, height, width]
  Span<const Statistic<D>, SpaceOf<D>> codes;   ///< [images, patches], in reading order
};

/// Pixels to tokens: a patch x patch convolution of stride `patch` with bias, plus the patch's fixed position.
/// A class token's row is the learned token alone. Weight shape [Dim, 3, patch, patch] as timm's.
///
/// Shapes     images [images, 3, height, width]   tokens [rows, Dim], rows as `from.source` names them
/// Gradients  weight, bias and class token are added to; dtokens is used up (its class rows are cleared). Pixels get none.
template <class Grid, int Dim, bool HasClassToken>
struct PatchEmbedding {
  static constexpr int codes = 0;
  static constexpr int patch_width = Grid::patch_width;
  using Projection = Linear<patch_width, Dim>;
  static constexpr std::int64_t parameter_count = Projection::parameter_count + (HasClassToken ? Dim : 0);

  static constexpr auto tensors(Init class_token = {Init::normal, 0.02}) {
    constexpr double bound = 1.0 / constexpr_sqrt(patch_width);  // the framework's default for a convolution's bias
    constexpr auto projection = Tensors<2>{Tensor{"patch_embed.proj.weight", {Dim, Grid::channels, Grid::patch, Grid::patch}, {Init::xavier_uniform}, true},
                                           Tensor{"patch_embed.proj.bias", {Dim}, {Init::uniform, bound}, false}};
    if constexpr (HasClassToken) return join(Tensors<1>{Tensor{"cls_token", {1, 1, Dim}, class_token, true}}, projection);
    else return projection;
  }

  template <class C>
  struct Parameters {
    typename C::template VectorView<Dim> class_token;  // absent without a class token
    typename Projection::template Parameters<C> projection;
    constexpr explicit Parameters(C& at) : class_token(token(at)), projection(at) {}

   private:
    static constexpr auto token(C& at) {
      if constexpr (HasClassToken) return at.template vector<Dim>();
      else return typename C::template VectorView<Dim>();
    }
  };

  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p, const Pictures<D>& images, ImageShape shape,
                      PatchRows<SpaceOf<D>> from, Span<const std::int32_t, SpaceOf<D>> class_rows,
                      Rows<const Statistic<D>, Dim, SpaceOf<D>> positions, Tokens<D, Dim> tokens) {
    const ArenaScope scope(scratch);
    const auto patches = scratch.rows<Activation<D>, patch_width, SpaceOf<D>>(tokens.rows());
    device.embed_patches(images.pixels, shape, from, patches);
    Projection::forward(device, p.projection, patches, tokens);
    device.add_positions(tokens, positions, from);
    if (!class_rows.empty()) device.put_token(tokens, class_rows, p.class_token, Write::assign);
  }
  template <Device D>
  static void backward(D& device, Arena& scratch, const Pictures<D>& images, ImageShape shape, PatchRows<SpaceOf<D>> from,
                       Span<const std::int32_t, SpaceOf<D>> class_rows, Tokens<D, Dim> dtokens, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    const auto patches = scratch.rows<Activation<D>, patch_width, SpaceOf<D>>(dtokens.rows());
    if (!class_rows.empty()) {
      device.token_gradient(dtokens, class_rows, gradient.class_token);
      device.clear_rows(dtokens, class_rows);  // so that they reach neither weight nor bias
    }
    device.embed_patches(images.pixels, shape, from, patches);
    device.linear_backward_weight(dtokens, patches, gradient.projection.weight, gradient.projection.bias);
  }

 private:
  static constexpr double constexpr_sqrt(double x) {
    double root = x;
    for (int i = 0; i < 64; ++i) root = (root + x / root) / 2;
    return root;
  }
};

}  // namespace arvit
