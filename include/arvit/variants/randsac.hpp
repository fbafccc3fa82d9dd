// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/parallel.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/segments.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// RandSAC's ranks: random segments, the patches of one predicted together. The decoder is SAIM's,
// not RandSAC's own.
template <class Encoder, class D = Parallel<12>, class O = Segments<2>, class T = Target<Pixel>>
using RandSAC = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using RandSAC_Nano = RandSAC<ViT_Micro<>, Parallel<6>>;
using RandSAC_B16 = RandSAC<ViT_B16<>>;
using RandSAC_B16_hierarchical = RandSAC<ViT_B16<>, Parallel<12>, Segments<7, 1>>;

inline constexpr VariantRows randsac_variants{
    VariantRow<RandSAC_Nano>{"RandSAC_Nano", 2'476'592, "a small one"},
    VariantRow<RandSAC_B16>{"RandSAC_B16", 175'424'256, "RandSAC itself: GVP Table 1"},
    VariantRow<RandSAC_B16_hierarchical>{"RandSAC_B16_hierarchical", 175'424'256,
                                         "two levels: squares, and inside them single patches"},
};

}  // namespace arvit
