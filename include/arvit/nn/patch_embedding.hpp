// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/linear.hpp"

namespace arvit {

/// What an embedding reads: images, the rows that are made of them, and the positions [patches,
/// dim] that are added.
template <class D> struct PictureRows {
  DeviceBatch<D> batch;
  ImageShape shape;
  PatchRows<SpaceOf<D>> from;
  Matrix<const Statistic<D>, SpaceOf<D>> positions = {};
};

/// Pixels to tokens: a patch x patch convolution of stride `patch` with bias, plus the patch's
/// fixed position. Rows of class tokens are left to condition.hpp. Weight shape [Dim, 3, patch,
/// patch] as timm's.
///
/// Shapes     batch.pixels [images, 3, height, width]   tokens [rows, Dim], rows as `from.source`
/// names
///            them
/// Gradients  weight and bias are added to; rows of class tokens must be zero. Pixels get none.
template <class Grid, int Dim> struct PatchEmbedding {
  static constexpr int codes = 0;
  static constexpr int patch_width = Grid::patch_width;
  using Projection = Linear<patch_width, Dim>;
  static constexpr std::int64_t parameter_count = Projection::parameter_count;

  static constexpr auto tensors() {
    // The framework's default for a convolution's bias.
    constexpr double bound = 1.0 / constexpr_sqrt(patch_width);
    return Tensors<2>{Tensor{"patch_embed.proj.weight",
                             {Dim, Grid::channels, Grid::patch, Grid::patch},
                             {Init::xavier_uniform},
                             true},
                      Tensor{"patch_embed.proj.bias", {Dim}, {Init::uniform, bound}, false}};
  }

  template <class C> struct Parameters {
    typename Projection::template Parameters<C> projection;
    constexpr explicit Parameters(C& at) : projection(at) {}
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p,
                      const PictureRows<D>& in, Tokens<D, Dim> tokens) {
    const ArenaScope scope(c.arena);
    Projection::forward(c, p.projection, patches(c, in, tokens.rows()), tokens);
    c.run(ops::AddPositions<D>{.x = tokens, .table = in.positions, .from = in.from});
  }
  /// dW += dtokens^T patches
  template <Device D>
  static void backward(const Context<D>& c, const PictureRows<D>& in, Tokens<D, Dim> dtokens,
                       const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(c.arena);
    Projection::backward_weight(c, patches(c, in, dtokens.rows()), dtokens, gradient.projection);
  }

 private:
  template <Device D>
  static ConstTokens<D, patch_width> patches(const Context<D>& c, const PictureRows<D>& in,
                                             std::int64_t rows) {
    const auto result = take_tokens<patch_width>(c, rows);
    c.run(ops::EmbedPatches<D>{
        .images = in.batch.pixels, .shape = in.shape, .from = in.from, .y = result});
    return result;
  }
  static constexpr double constexpr_sqrt(double x) {
    double root = x;
    for (int i = 0; i < 64; ++i) root = (root + x / root) / 2;
    return root;
  }
};

}  // namespace arvit
