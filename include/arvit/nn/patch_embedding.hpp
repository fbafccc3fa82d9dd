// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/nn/linear.hpp"

namespace arvit {

/// What an embedding reads: images, and the rows that are made of them.
template <class D> struct PictureRows {
  DeviceBatch<D> batch;
  ImageShape shape;
  PatchRows<SpaceOf<D>> from;
};

/// Pixels to tokens: a patch x patch convolution of stride `patch` with bias. Rows of class tokens
/// are left to condition.hpp. Weight shape [Dim, 3, patch, patch] as timm's.
///
/// Shapes     batch.pixels [images, 3, height, width]   tokens [rows, Dim], rows as `from.source`
///            names them
/// Gradients  weight and bias are added to; rows of class tokens must be zero. Pixels get none.
template <class Grid, int Dim> struct PatchEmbedding {
  static constexpr int codes = 0;
  static constexpr int patch_width = Grid::patch_width;
  using Projection = Linear<patch_width, Dim>;

  template <class C> struct Parameters {
    typename Projection::template Parameters<C> projection;
    constexpr explicit Parameters(C& at)
        : projection(at,
                     {"patch_embed.proj.weight",
                      {Init::xavier_uniform},
                      {Dim, Grid::channels, Grid::patch, Grid::patch}},
                     {"patch_embed.proj.bias", {Init::uniform, bias_bound}}) {}
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p,
                      const PictureRows<D>& in, Tokens<D, Dim> tokens) {
    const ArenaScope scope(c.arena);
    Projection::forward(c, p.projection, patches(c, in, tokens.rows()), tokens);
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
  /// 1 / sqrt(patch_width): the framework's default for a convolution's bias.
  static constexpr double bias_bound = [] {
    double root = patch_width;
    for (int i = 0; i < 64; ++i) root = (root + patch_width / root) / 2;
    return 1.0 / root;
  }();
};

}  // namespace arvit
