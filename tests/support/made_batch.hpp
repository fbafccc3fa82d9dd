// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "arvit/core/batch.hpp"
#include "arvit/nn/condition.hpp"
#include "support/fill.hpp"

namespace arvit::test {

/// What a model reads of images, from hashes: pixels; features or codes; conditions, labels among
/// them.
template <class Model, class S> struct MadeBatch {
  static constexpr BatchWidths widths = Model::batch_widths;
  std::vector<S> pixels, tokens, codes, conditions;

  explicit MadeBatch(std::int64_t images) {
    const auto values = hashed_images(images * widths.pixels);
    pixels.assign(values.begin(), values.end());
    // One run of numbers, in which conditions follow the others.
    const auto numbers = hashed_images(images * widths.beside_pixels().total(), "features");
    auto at = numbers.begin();
    const auto take = [&](std::vector<S>& part, std::int64_t count) {
      part.assign(at, at + count);
      at += count;
    };
    take(tokens, images * widths.tokens);
    take(codes, images * widths.codes);
    take(conditions, images * widths.conditions);
    for (S& code : codes) code = std::floor((code / 4 + S(0.5)) * Model::codes);
    S* of_kind = conditions.data();
    Model::Encoder::Leading::each_kind_of([&]<class Kind>(Kind, auto) {
      if constexpr (arvit::detail::LabelKind<Kind>)
        for (std::int64_t i = 0; i < images; ++i)
          of_kind[i] = std::floor((of_kind[i] / 4 + S(0.5)) * (Kind::classes + 1));
      of_kind += images * Kind::width;
    });
  }
  operator Batch<const S>() const { return {pixels, tokens, codes, conditions}; }
};

}  // namespace arvit::test
