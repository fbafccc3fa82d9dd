// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>

#include "arvit/nn/patch_embedding.hpp"

namespace arvit {

namespace detail {
/// codes[row] = the code of the row's patch; 0 for a class token, whose row is written after. One row per call.
template <class S>
struct RowCodesWork {
  const S* of_patches;  // [images, patches]
  const std::int32_t *source, *permutation;
  std::int64_t patches;
  std::int32_t* codes;
  ARVIT_HOST_DEVICE void operator()(std::int64_t row) const {
    const std::int32_t at = source[row];
    codes[row] = at < 0 ? 0 : static_cast<std::int32_t>(of_patches[at / patches * patches + permutation[at]]);
  }
};
/// dtable[code] += the sum of the rows that hold it. One code per call, which looks at every row: the order of the sum does not depend on threads.
template <class A, class G>
struct CodeGradientWork {
  const A* dtokens;
  std::int64_t stride, rows, dim;
  const std::int32_t *codes, *source;
  G* dtable;
  ARVIT_HOST_DEVICE void operator()(std::int64_t code) const {
    G* const to = dtable + code * dim;
    for (std::int64_t row = 0; row < rows; ++row) {
      if (codes[row] != code || source[row] < 0) continue;
      for (std::int64_t c = 0; c < dim; ++c) to[c] += static_cast<G>(static_cast<Accumulator<A>>(dtokens[row * stride + c]));
    }
  }
};
}  // namespace detail

/// Codes to tokens: a learned row for each code of the tokenizer, plus the patch's fixed position (GVP d2d; MAGE; iGPT).
/// A class token's row is the learned token alone. Weight shape [Codes, Dim].
///
/// Shapes     images.codes [images, patches]   tokens [rows, Dim], rows as `from.source` names them
/// Gradients  weight and class token are added to.
template <class Grid, int Dim, int Codes, bool HasClassToken>
struct CodeEmbedding {
  static constexpr int codes = Codes;
  static constexpr std::int64_t parameter_count = std::int64_t{Codes} * Dim + (HasClassToken ? Dim : 0);

  static constexpr auto tensors(Init class_token = {Init::normal, 0.02}) {
    constexpr auto table = Tensors<1>{Tensor{"token_embed.weight", {Codes, Dim}, {Init::normal, 0.02}, true}};
    if constexpr (HasClassToken) return join(Tensors<1>{Tensor{"cls_token", {1, 1, Dim}, class_token, true}}, table);
    else return table;
  }

  template <class C>
  struct Parameters {
    typename C::template VectorView<Dim> class_token;  // absent without a class token
    typename C::template MatrixView<Dim> table;
    constexpr explicit Parameters(C& at) : class_token(token(at)), table(at.template matrix<Codes, Dim>()) {}

   private:
    static constexpr auto token(C& at) {
      if constexpr (HasClassToken) return at.template vector<Dim>();
      else return typename C::template VectorView<Dim>();
    }
  };

  template <Device D>
  static void forward(D& device, Arena& scratch, const Parameters<Reading<D>>& p, const Pictures<D>& images, ImageShape shape, PatchRows<SpaceOf<D>> from,
                      Span<const std::int32_t, SpaceOf<D>> class_rows, Rows<const Statistic<D>, Dim, SpaceOf<D>> positions, Tokens<D, Dim> tokens) {
    static_assert(std::same_as<Weight<D>, Activation<D>>, "CodeEmbedding: tokens are copies of weights; use a precision in which both have one type.");
    const ArenaScope scope(scratch);
    device.gather_rows(p.table, row_codes(device, scratch, images, shape, from), tokens);
    device.add_positions(tokens, positions, from);
    if (!class_rows.empty()) device.put_token(tokens, class_rows, p.class_token, Write::assign);
  }
  template <Device D>
  static void backward(D& device, Arena& scratch, const Pictures<D>& images, ImageShape shape, PatchRows<SpaceOf<D>> from, Span<const std::int32_t, SpaceOf<D>> class_rows,
                       Tokens<D, Dim> dtokens, const Parameters<Adding<D>>& gradient) {
    const ArenaScope scope(scratch);
    if (!class_rows.empty()) device.token_gradient(dtokens, class_rows, gradient.class_token);
    const auto codes = row_codes(device, scratch, images, shape, from);
    device.for_each(Codes, detail::CodeGradientWork<Activation<D>, Gradient<D>>{dtokens.data(), dtokens.stride(), dtokens.rows(), Dim, codes.data(), from.source.data(), gradient.table.data()});
  }

 private:
  template <Device D>
  static Span<const std::int32_t, SpaceOf<D>> row_codes(D& device, Arena& scratch, const Pictures<D>& images, ImageShape shape, PatchRows<SpaceOf<D>> from) {
    const auto codes = scratch.span<std::int32_t, SpaceOf<D>>(from.source.size());
    device.for_each(codes.size(), detail::RowCodesWork<Statistic<D>>{images.codes.data(), from.source.data(), from.permutation.data(), shape.patches(), codes.data()});
    return codes;
  }
};

}  // namespace arvit
