// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/distil.hpp"
#include "arvit/decoder/in_place.hpp"
#include "arvit/decoder/joint.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/cluster.hpp"
#include "arvit/order/random_mask.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/features.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// MAE: the masked baseline of all four papers.
template <class Encoder, class D = Joint<8, 512, 16>, class T = Target<Pixel>,
          class O = RandomMask<>>
using MAE = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using MAE_Nano = MAE<ViT_Nano<>, Joint<4, 128, 4>>;
using MAE_S16 = MAE<ViT_S16<>>;
using MAE_B16 = MAE<ViT_B16<>>;
using MAE_B16_raw = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<Pixel, RawPatches>>;
using MAE_L16 = MAE<ViT_L16<>>;
using MAE_H14 = MAE<ViT_H14<>>;

// SimMIM: mask tokens inside the encoder, raw pixels, absolute error; patches of 16, not SimMIM's
// squares of 32, are masked.
template <class Encoder, class T = Target<Pixel, RawPatches, L1>,
          class O = RandomMask<std::ratio<2, 5>>>
using SimMIM = Pretrainer<Encoder, Decoder<InPlace>, OrderPolicy<O>, T>;
using SimMIM_Nano = SimMIM<ViT_Nano<>>;
using SimMIM_B16 = SimMIM<ViT_B16<>>;
// BEiT: mask tokens inside the encoder, codes, 40 % masked patch by patch.
using BEiT_B16_dvae = SimMIM<ViT_B16<>, Target<Codes<8192>>, RandomMask<std::ratio<3, 5>>>;
using BEiT_B16_vqgan = SimMIM<ViT_B16<>, Target<VQGAN<>>, RandomMask<std::ratio<3, 5>>>;
using BEiT_L16_dvae = SimMIM<ViT_L16<>, Target<Codes<8192>>, RandomMask<std::ratio<3, 5>>>;

// MAGE: codes in, codes out. (It keeps part of its mask tokens inside the encoder and pads the
// decoder with the class token; here they are dropped and put back as MAE's.)
template <class Encoder, class D, class T, class O = VariableMask<>>
using MAGE = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using MAGE_Nano = MAGE<ViT_Nano<Embedding<Codes<512>>>, Joint<2, 64, 4>, Target<Codes<512>>>;
using MAGE_B16 = MAGE<ViT_B16<Image<256>, Embedding<VQGAN<>>>, Joint<8, 768, 16>, Target<VQGAN<>>>;

// D-iGPT Table 5, tokenizers: pixels are MAE_B16 and ViT_iGPT_B16, CLIP is MAE_B16_clip and
// DiGPT_B16.
using MAE_B16_vqvae = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<Codes<8192>>>;
using MAE_B16_dino = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<DINO<>>>;
// D-iGPT Table 8, with the same teacher. EVA masks 40 %.
using MAE_B16_clip = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<CLIP<>>>;
using EVA_B16 = SimMIM<ViT_B16<>, Target<CLIP<>>, RandomMask<std::ratio<3, 5>>>;
// The row KD of Table 8, and FD of Table 10.
using Distil_B16 =
    Pretrainer<ViT_B16<>, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>, Target<CLIP<>>>;

inline constexpr VariantRows masked_variants{
    VariantRow<MAE_Nano>{"MAE_Nano", 2'012'464, "other sizes"},
    VariantRow<MAE_S16>{"MAE_S16", 47'401'728, "other sizes"},
    VariantRow<MAE_B16>{"MAE_B16", 111'655'680, "MAE: GVP Table 1"},
    VariantRow<MAE_B16_raw>{"MAE_B16_raw", 111'655'680, "target patches not standardised"},
    VariantRow<MAE_L16>{"MAE_L16", 329'239'296, "MAE: SemAIM Table 4, D-iGPT Table 1"},
    VariantRow<MAE_H14>{"MAE_H14", 656'613'964, "other sizes"},
    VariantRow<SimMIM_Nano>{"SimMIM_Nano", 1'202'608, "a small one"},
    VariantRow<SimMIM_B16>{"SimMIM_B16", 86'238'720,
                           "SimMIM: GVP Table 1, Table 10 (pure masked modeling); patches, not "
                           "squares of 32 pixels, are masked"},
    VariantRow<BEiT_B16_dvae>{
        "BEiT_B16_dvae", 91'947'776,
        "BEiT: GVP Table 1, codes of DALL-E's dVAE; 40 % are masked patch by patch, not in blocks"},
    VariantRow<BEiT_B16_vqgan>{"BEiT_B16_vqgan", 86'435'584, "BEiT: GVP Table 1, codes of VQGAN"},
    VariantRow<BEiT_L16_dvae>{"BEiT_L16_dvae", 311'497'728, "BEiT: D-iGPT Table 1, SemAIM Table 4"},
    VariantRow<MAGE_Nano>{"MAGE_Nano", 1'397'248, "a small one, with a codebook of 512"},
    VariantRow<MAGE_B16>{"MAGE_B16", 143'926'528, "MAGE: GVP Table 1"},
    VariantRow<MAE_B16_vqvae>{"MAE_B16_vqvae", 115'464'192, "D-iGPT Table 5: codes of a VQ-VAE"},
    VariantRow<MAE_B16_dino>{"MAE_B16_dino", 111'655'680, "D-iGPT Table 5: features of DINO"},
    VariantRow<MAE_B16_clip>{"MAE_B16_clip", 111'787'008, "D-iGPT Table 5: features of CLIP"},
    VariantRow<EVA_B16>{"EVA_B16", 86'435'584,
                        "EVA: D-iGPT Table 8, mask tokens in the encoder, features of CLIP; 40 % "
                        "are masked patch by patch, not in blocks"},
    VariantRow<Distil_B16>{"Distil_B16", 86'434'816, "D-iGPT Table 8: plain distillation"},
};

}  // namespace arvit
