// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/target/codes.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"
#include "arvit/variants/vit_igpt.hpp"

namespace arvit {

// iGPT (Chen et al. 2020): the pixels of a small picture in reading order, each one of 512 colours.
// Its blocks are GPT-2's and its positions learned.
template <class Encoder, class Colours = Codes<512>>
using iGPT = CausalViT<Encoder, Target<Colours, LinearHead>>;
using iGPT_Nano =
    iGPT<ViT<6, 128, 4, Patch<1>, Image<16>, Embedding<Codes<512>>, LearnedPositions>>;
using iGPT_S = iGPT<ViT<24, 512, 8, Patch<1>, Image<32>, Embedding<Codes<512>>, LearnedPositions>>;
using iGPT_M = iGPT<ViT<36, 1024, 8, Patch<1>, Image<32>, Embedding<Codes<512>>, LearnedPositions>>;
using iGPT_L =
    iGPT<ViT<48, 1536, 16, Patch<1>, Image<32>, Embedding<Codes<512>>, LearnedPositions>>;
using iGPT_L48 =
    iGPT<ViT<48, 1536, 16, Patch<1>, Image<48>, Embedding<Codes<512>>, LearnedPositions>>;

inline constexpr VariantRows igpt_variants{
    VariantRow<iGPT_Nano>{"iGPT_Nano", 1'354'368, "a small one of 16 x 16 pixels"},
    VariantRow<iGPT_S>{"iGPT_S", 76'707'840, "iGPT's smaller ones"},
    VariantRow<iGPT_M>{"iGPT_M", 455'564'800, "iGPT's smaller ones"},
    VariantRow<iGPT_L>{"iGPT_L", 1'363'063'808, "iGPT-L: GVP Table 1"},
    VariantRow<iGPT_L48>{"iGPT_L48", 1'365'029'888, "iGPT-L at 48 x 48 pixels: SAIM Table 1"},
};

}  // namespace arvit
