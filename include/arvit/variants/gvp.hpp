// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/two_stream.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/grouped.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"
#include "arvit/variants/vit_igpt.hpp"

namespace arvit {

// GVP p2p: groups of random length in random order, two streams, raw pixels.
template <class Encoder, class O = Grouped<Mixed<20>>, class T = Target<Pixel, RawPatches>,
          class D = TwoStream<>>
using GVP = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using GVP_p2p_Nano = GVP<ViT_Nano<>, Grouped<Mixed<5>>>;
using GVP_p2p_B16 = GVP<ViT_B16<>>;
// GVP Table 3.
using GVP_p2p_B16_raster = GVP<ViT_B16<>, Grouped<Mixed<20>, FixedSequence>>;
// GVP Table 4.
using GVP_p2p_B16_fixed1 = GVP<ViT_B16<>, Grouped<Fixed<1>>>;
using GVP_p2p_B16_fixed5 = GVP<ViT_B16<>, Grouped<Fixed<5>>>;
using GVP_p2p_B16_fixed20 = GVP<ViT_B16<>, Grouped<Fixed<20>>>;
using GVP_p2p_B16_fixed40 = GVP<ViT_B16<>, Grouped<Fixed<40>>>;
using GVP_p2p_B16_fixed196 = GVP<ViT_B16<>, Grouped<Fixed<196>>>;
using GVP_p2p_B16_random5 = GVP<ViT_B16<>, Grouped<Random<5>>>;
using GVP_p2p_B16_random20 = GVP<ViT_B16<>, Grouped<Random<20>>>;
using GVP_p2p_B16_random40 = GVP<ViT_B16<>, Grouped<Random<40>>>;
using GVP_p2p_B16_mixed5 = GVP<ViT_B16<>, Grouped<Mixed<5>>>;
using GVP_p2p_B16_mixed40 = GVP<ViT_B16<>, Grouped<Mixed<40>>>;
// GVP Table 10, from masked modeling to GVP: SimMIM_B16 (that row repeats SimMIM's of Table 1),
// with causal masks the next alias, with two streams GVP_p2p_B16_fixed196, with mixed lengths
// GVP_p2p_B16.
using GVP_p2p_B16_causal = CausalViT<ViT_B16<>, Target<Pixel, RawPatches, LinearHead>, Stochastic>;
// GVP Table 7, on ImageNet100: the pooled features of VQGAN instead of the class token,
// and for the small one the share of codes, of a codebook of one's own.
using GVP_p2p_Nano_y_extra =
    GVP<ViT_Nano<NoClassToken, Conditions<Pooled<Codes<512>>>>, Grouped<Mixed<5>>>;
using GVP_p2p_B16_y_extra = GVP<ViT_B16<NoClassToken, Conditions<Pooled<VqganEncoder>>>>;
// The text as printed, and targets as in the other papers.
using GVP_p2p_B16_token_only =
    GVP<ViT_B16<>, Grouped<Mixed<20>>, Target<Pixel, RawPatches>, TwoStream<TokenOnly>>;
using GVP_p2p_B16_norm_pix = GVP<ViT_B16<>, Grouped<Mixed<20>>, Target<Pixel>>;

// GVP p2d: the codes of a tokenizer instead of pixels.
using GVP_p2d_Nano = GVP<ViT_Nano<>, Grouped<Mixed<5>>, Target<Codes<512>>>;
using GVP_p2d_B16 = GVP<ViT_B16<>, Grouped<Mixed<20>>, Target<VQGAN<>>>;
using GVP_p2d_B16_fixed20 = GVP<ViT_B16<>, Grouped<Fixed<20>>, Target<VQGAN<>>>;
using GVP_p2d_B16_random20 = GVP<ViT_B16<>, Grouped<Random<20>>, Target<VQGAN<>>>;

// Codes in, codes out.
using GVP_d2d_Nano = GVP<ViT_Nano<Embedding<Codes<512>>>, Grouped<Mixed<5>>, Target<Codes<512>>>;
using GVP_d2d_B16 =
    GVP<ViT_B16<Image<256>, Embedding<VQGAN<>>>, Grouped<Mixed<20>>, Target<VQGAN<>>>;

inline constexpr VariantRows gvp_variants{
    VariantRow<GVP_p2p_Nano>{"GVP_p2p_Nano", 1'202'608, "small ones; p2d with a codebook of 512"},
    VariantRow<GVP_p2p_B16>{"GVP_p2p_B16", 86'238'720,
                            "Tables 1, 3, 4 and 10: groups of mixed length, K = 20"},
    VariantRow<GVP_p2p_B16_raster>{"GVP_p2p_B16_raster", 86'238'720, "Table 3: reading order"},
    VariantRow<GVP_p2p_B16_fixed1>{"GVP_p2p_B16_fixed1", 86'238'720,
                                   "Table 4: fixed length, K = 1"},
    VariantRow<GVP_p2p_B16_fixed5>{"GVP_p2p_B16_fixed5", 86'238'720,
                                   "Table 4: fixed length, K = 5"},
    VariantRow<GVP_p2p_B16_fixed20>{"GVP_p2p_B16_fixed20", 86'238'720,
                                    "Table 4: fixed length, K = 20"},
    VariantRow<GVP_p2p_B16_fixed40>{"GVP_p2p_B16_fixed40", 86'238'720,
                                    "Table 4: fixed length, K = 40"},
    VariantRow<GVP_p2p_B16_fixed196>{"GVP_p2p_B16_fixed196", 86'238'720,
                                     "Table 4: fixed length, K = 196; Table 10: with two streams"},
    VariantRow<GVP_p2p_B16_random5>{"GVP_p2p_B16_random5", 86'238'720,
                                    "Table 4: random length, K = 5"},
    VariantRow<GVP_p2p_B16_random20>{"GVP_p2p_B16_random20", 86'238'720,
                                     "Table 4: random length, K = 20"},
    VariantRow<GVP_p2p_B16_random40>{"GVP_p2p_B16_random40", 86'238'720,
                                     "Table 4: random length, K = 40"},
    VariantRow<GVP_p2p_B16_mixed5>{"GVP_p2p_B16_mixed5", 86'238'720,
                                   "Table 4: mixed length, K = 5"},
    VariantRow<GVP_p2p_B16_mixed40>{"GVP_p2p_B16_mixed40", 86'238'720,
                                    "Table 4: mixed length, K = 40"},
    VariantRow<GVP_p2p_B16_causal>{"GVP_p2p_B16_causal", 86'237'952,
                                   "Table 10: causal masks in one stream"},
    VariantRow<GVP_p2p_Nano_y_extra>{"GVP_p2p_Nano_y_extra", 1'268'144,
                                     "a small one; the shares of a codebook's codes"},
    VariantRow<GVP_p2p_B16_y_extra>{"GVP_p2p_B16_y_extra", 86'435'328,
                                    "Table 7, ImageNet100: pooled features of VQGAN as the "
                                    "condition; 69.4 without, 42.2 these features alone"},
    VariantRow<GVP_p2p_B16_token_only>{"GVP_p2p_B16_token_only", 86'238'720,
                                       "section 4.1 as printed: queries are the token alone"},
    VariantRow<GVP_p2p_B16_norm_pix>{"GVP_p2p_B16_norm_pix", 86'238'720,
                                     "target patches standardised, as in the other papers"},
    VariantRow<GVP_p2d_Nano>{"GVP_p2d_Nano", 1'262'464, "small ones; p2d with a codebook of 512"},
    VariantRow<GVP_p2d_B16>{"GVP_p2d_B16", 86'435'584,
                            "Tables 1 and 11: codes, mixed length, K = 20"},
    VariantRow<GVP_p2d_B16_fixed20>{"GVP_p2d_B16_fixed20", 86'435'584,
                                    "Table 11: fixed length, K = 20"},
    VariantRow<GVP_p2d_B16_random20>{"GVP_p2d_B16_random20", 86'435'584,
                                     "Table 11: random length, K = 20"},
    VariantRow<GVP_d2d_Nano>{"GVP_d2d_Nano", 1'321'728, "a small one, with a codebook of 512"},
    VariantRow<GVP_d2d_B16>{"GVP_d2d_B16", 86'631'424, "Table 1: codes of VQGAN in and out"},
};

}  // namespace arvit
