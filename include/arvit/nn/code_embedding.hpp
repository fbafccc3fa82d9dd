// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include "arvit/core/error.hpp"
#include "arvit/nn/patch_embedding.hpp"

namespace arvit {

namespace detail {
/// codes[row] = the code of the row's patch; 0 for a class token, whose row means nothing. One row
/// per call.
template <class S> struct RowCodesWork {
  const S* of_patches;  // [images, patches]
  const std::int32_t *source, *permutation;
  std::int64_t patches;
  std::int32_t* codes;
  ARVIT_HOST_DEVICE void operator()(std::int64_t row) const {
    const std::int32_t at = source[row];
    codes[row] = at < 0 ? 0
                        : static_cast<std::int32_t>(
                              of_patches[at / patches * patches + permutation[at]]);
  }
};
/// dtable[code] += the sum of the rows that hold it. One code per call, which looks at every row:
/// the order of the sum does not depend on threads.
template <class A, class G> struct CodeGradientWork {
  const A* dtokens;
  std::int64_t stride, rows, dim;
  const std::int32_t* codes;
  G* dtable;
  ARVIT_HOST_DEVICE void operator()(std::int64_t code) const {
    G* const to = dtable + code * dim;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (codes[row] != code) continue;
      for (std::int64_t c = 0; c < dim; ++c)
        to[c] += static_cast<G>(static_cast<Accumulator<A>>(dtokens[row * stride + c]));
    }
  }
};
}  // namespace detail

/// ShapeError unless codes [images, patches], on the host, are whole numbers of 0 .. classes - 1.
template <class S>
void check_codes(const S* codes, std::int64_t images, std::int64_t patches, int classes) {
  for (std::int64_t i = 0; i < images * patches; ++i)
    if (!(codes[i] >= 0 && codes[i] < static_cast<S>(classes)) || codes[i] != std::floor(codes[i]))
      fail<ShapeError>("code ", codes[i], " of patch ", i % patches, " of image ", i / patches,
                       " of these is none of 0 .. ", classes - 1,
                       "; use codes of the model's tokenizer.");
}

/// Codes to tokens: a learned row for each code of the tokenizer (GVP d2d; MAGE; iGPT). Rows of
/// class tokens are left to condition.hpp. Weight shape [Codes, Dim].
///
/// Shapes     batch.codes [images, patches]   tokens [rows, Dim], rows as `from.source` names them
/// Gradients  the weight is added to; rows of class tokens must be zero.
template <class Grid, int Dim, int Codes> struct CodeEmbedding {
  static constexpr int codes = Codes;
  template <class C> struct Parameters {
    typename C::template MatrixView<Dim> table;  // [Codes, Dim]
    constexpr explicit Parameters(C& at)
        : table(at.template matrix<Codes, Dim>({"token_embed.weight", {Init::normal, 0.02}})) {}
  };

  template <Device D>
  static void forward(const Context<D>& c, const Parameters<Reading<D>>& p,
                      const PictureRows<D>& in, Tokens<D, Dim> tokens) {
    static_assert(std::same_as<Weight<D>, Activation<D>>,
                  "CodeEmbedding: tokens are copies of weights; use a precision in which both have "
                  "one type.");
    const ArenaScope scope(c.arena);
    c.run(ops::GatherRows<D>{.x = p.table, .index = row_codes(c, in), .y = tokens});
  }
  /// dtable[code] += the sum of dtokens over the rows of the code
  template <Device D>
  static void backward(const Context<D>& c, const PictureRows<D>& in, Tokens<D, Dim> dtokens,
                       const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(c.arena);
    const auto codes = row_codes(c, in);
    c.device.for_each(Codes, detail::CodeGradientWork<Activation<D>, Gradient<D>>{
                                 dtokens.data(), dtokens.stride(), dtokens.rows(), Dim,
                                 codes.data(), gradient.table.data()});
  }

 private:
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> row_codes(const Context<D>& c,
                                                        const PictureRows<D>& in) {
    const auto codes = c.arena.template span<std::int32_t, SpaceOf<D>>(in.from.source.size());
    c.device.for_each(codes.size(),
                      detail::RowCodesWork<Statistic<D>>{
                          in.batch.codes.data(), in.from.source.data(), in.from.permutation.data(),
                          in.shape.patches(), codes.data()});
    return codes;
  }
};

}  // namespace arvit
