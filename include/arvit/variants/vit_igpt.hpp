// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/causal.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/pixel.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// ViT-iGPT: SAIM's depth 0. Raster order, the output at a token predicts the next patch.
template <class Encoder, class T = Target<Pixel>, class O = Raster>
using CausalViT = Pretrainer<Encoder, Decoder<Causal>, OrderPolicy<O>, T>;
using ViT_iGPT_Nano = CausalViT<ViT_Nano<>>;
using ViT_iGPT_B16 = CausalViT<ViT_B16<>>;
using ViT_iGPT_L16 = CausalViT<ViT_L16<>>;
using ViT_iGPT_H14 = CausalViT<ViT_H14<>>;
using ViT_iGPT_B16_vqvae = CausalViT<ViT_B16<>, Target<Codes<8192>, LinearHead>>;

inline constexpr VariantRows vit_igpt_variants{
    VariantRow<ViT_iGPT_Nano>{"ViT_iGPT_Nano", 1'286'960, "other sizes"},
    VariantRow<ViT_iGPT_B16>{"ViT_iGPT_B16", 90'369'792, "SAIM Tables 1 and 3"},
    VariantRow<ViT_iGPT_L16>{"ViT_iGPT_L16", 310'444'800, "other sizes"},
    VariantRow<ViT_iGPT_H14>{"ViT_iGPT_H14", 640'005'708, "other sizes"},
    VariantRow<ViT_iGPT_B16_vqvae>{"ViT_iGPT_B16_vqvae", 91'947'008,
                                   "D-iGPT Table 5: iGPT on the codes of a VQ-VAE"},
};

}  // namespace arvit
