// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/gather.hpp"
#include "arvit/decoder/parallel.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/diagonal.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/gaussian.hpp"
#include "arvit/target/horizontal_difference.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// SAIM: random order, blurred patches, a cross block beside every encoder block. The released
// encoder keeps q, k, v apart.
template <class Encoder, class D = Parallel<12>, class T = Target<Gaussian<9>>,
          class O = Stochastic>
using SAIM = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using SAIM_Nano = SAIM<ViT_Nano<SeparateQkv>, Parallel<6>>;
using SAIM_Ti16 = SAIM<ViT_Ti16<SeparateQkv>>;
using SAIM_S16 = SAIM<ViT_S16<SeparateQkv>>;
using SAIM_B16 = SAIM<ViT_B16<SeparateQkv>>;
using SAIM_L16 = SAIM<ViT_L16<SeparateQkv>>;
using SAIM_H14 = SAIM<ViT_H14<SeparateQkv>, Parallel<16>>;
// SAIM Table 3.
using SAIM_B16_raster = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Pixel>, Raster>;
using SAIM_B16_pixel = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Pixel>>;
using SAIM_B16_shared = SAIM<ViT_B16<SeparateQkv>, Parallel<12, SharedWeights>, Target<Pixel>>;
using SAIM_B16_decoder6 = SAIM<ViT_B16<SeparateQkv>, Parallel<6>, Target<Pixel>>;
using SAIM_B16_decoder1 = SAIM<ViT_B16<SeparateQkv>, Parallel<1>, Target<Pixel>>;
using SAIM_B16_gauss3 = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<3>>>;
using SAIM_B16_gauss9_wide =
    SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9, std::ratio<3, 2>>>>;
// Options of the released code and of the paper's text.
using SAIM_B16_reads_previous = SAIM<ViT_B16<SeparateQkv>, Parallel<12, ReadsPrevious>>;
using SAIM_B16_raw = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, RawPatches>>;
using SAIM_B16_l1 = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, L1>>;
using SAIM_B16_linear_head =
    SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, LinearHead>>;
using SAIM_B16_no_class_token = SAIM<ViT_B16<SeparateQkv, NoClassToken>>;
using SAIM_B16_learned = SAIM<ViT_B16<SeparateQkv, LearnedPositions>>;
using SAIM_B16_diagonal = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>>, Diagonal>;
using SAIM_B16_differences = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<HorizontalDifference>>;
using SAIM_B16_gather = SAIM<ViT_B16<SeparateQkv>, Gather>;

inline constexpr VariantRows saim_variants{
    VariantRow<SAIM_Nano>{"SAIM_Nano", 2'476'592, "other sizes"},
    VariantRow<SAIM_Ti16>{"SAIM_Ti16", 11'563'776, "other sizes"},
    VariantRow<SAIM_S16>{"SAIM_S16", 44'655'360, "other sizes"},
    VariantRow<SAIM_B16>{"SAIM_B16", 175'424'256,
                         "Table 1: the method; Table 3: Gaussian 9, deviation 1"},
    VariantRow<SAIM_L16>{"SAIM_L16", 461'599'488, "other sizes"},
    VariantRow<SAIM_H14>{"SAIM_H14", 954'844'748, "other sizes"},
    VariantRow<SAIM_B16_raster>{"SAIM_B16_raster", 175'424'256, "Table 3: reading order, pixels"},
    VariantRow<SAIM_B16_pixel>{"SAIM_B16_pixel", 175'424'256,
                               "Table 3: random order, decoder of 12 own layers, no blur"},
    VariantRow<SAIM_B16_shared>{"SAIM_B16_shared", 90'369'792,
                                "Table 3: the decoder shares the encoder's weights"},
    VariantRow<SAIM_B16_decoder6>{"SAIM_B16_decoder6", 132'897'024, "Table 3: decoder of 6 layers"},
    VariantRow<SAIM_B16_decoder1>{"SAIM_B16_decoder1", 97'457'664, "Table 3: decoder of 1 layer"},
    VariantRow<SAIM_B16_gauss3>{"SAIM_B16_gauss3", 175'424'256, "Table 3: Gaussian 3, deviation 1"},
    VariantRow<SAIM_B16_gauss9_wide>{"SAIM_B16_gauss9_wide", 175'424'256,
                                     "Table 3: Gaussian 9, deviation 1.5"},
    VariantRow<SAIM_B16_reads_previous>{
        "SAIM_B16_reads_previous", 175'424'256,
        "the text's Eq. 5: a decoder layer reads the encoder layer before its own"},
    VariantRow<SAIM_B16_raw>{"SAIM_B16_raw", 175'424'256,
                             "released code: target patches not standardised"},
    VariantRow<SAIM_B16_l1>{"SAIM_B16_l1", 175'424'256, "released code: absolute error"},
    VariantRow<SAIM_B16_linear_head>{"SAIM_B16_linear_head", 171'292'416,
                                     "released code: linear head"},
    VariantRow<SAIM_B16_no_class_token>{"SAIM_B16_no_class_token", 175'423'488, "no class token"},
    VariantRow<SAIM_B16_learned>{
        "SAIM_B16_learned", 175'574'784,
        "learned positions: holds encoders that timm and Hugging Face publish"},
    VariantRow<SAIM_B16_diagonal>{"SAIM_B16_diagonal", 175'424'256, "diagonal by diagonal"},
    VariantRow<SAIM_B16_differences>{"SAIM_B16_differences", 175'424'256,
                                     "differences of neighbours"},
    VariantRow<SAIM_B16_gather>{"SAIM_B16_gather", 86'828'544, "a decoder of one attention"},
};

}  // namespace arvit
