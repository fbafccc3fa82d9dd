// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/parallel.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/center_out.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/order/semantic.hpp"
#include "arvit/order/serpentine.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/features.hpp"
#include "arvit/target/gaussian.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// SemAIM: as SAIM, the order grows from the patch most similar to the class token.
template <class Encoder, class D = Parallel<12>, class O = Semantic<>,
          class T = Target<Gaussian<9>>>
using SemAIM = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using SemAIM_Pico = SemAIM<ViT_Pico<>, Parallel<2>>;
using SemAIM_Nano = SemAIM<ViT_Nano<>, Parallel<6>>;
using SemAIM_Ti16 = SemAIM<ViT_Ti16<>>;
using SemAIM_S16 = SemAIM<ViT_S16<>>;
using SemAIM_B16 = SemAIM<ViT_B16<>>;
using SemAIM_L16 = SemAIM<ViT_L16<>>;
using SemAIM_H16 = SemAIM<ViT_H16<>>;
// SemAIM Table 1.
using SemAIM_B16_raster = SemAIM<ViT_B16<>, Parallel<12>, Raster>;
using SemAIM_B16_stochastic = SemAIM<ViT_B16<>, Parallel<12>, Stochastic>;
using SemAIM_B16_similarity = SemAIM<ViT_B16<>, Parallel<12>, Semantic<BySimilarity>>;
// SemAIM Table 2: features of a teacher, which gives the order too.
using SemAIM_B16_dino =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>, Target<DINO<>>>;
using SemAIM_B16_clip =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>, Target<CLIP<ClipB16>>>;
using SemAIM_L16_clip =
    SemAIM<ViT_L16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>, Target<CLIP<ClipB16>>>;
// SemAIM Table 3.
using SemAIM_B16_decoder1 = SemAIM<ViT_B16<>, Parallel<1>>;
using SemAIM_B16_decoder6 = SemAIM<ViT_B16<>, Parallel<6>>;
// Orders and options that only the released code has.
using SemAIM_B16_serpentine = SemAIM<ViT_B16<>, Parallel<12>, Serpentine>;
using SemAIM_B16_center_out = SemAIM<ViT_B16<>, Parallel<12>, CenterOut>;
using SemAIM_B16_stochastic_center = SemAIM<ViT_B16<>, Parallel<12>, StochasticCenter>;
using SemAIM_B16_boxes = SemAIM<ViT_B16<>, Parallel<12>, Semantic<ByBoxes, NoFilter>>;
using SemAIM_B16_code =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<NoFilter, Noise<std::ratio<1, 1000>>>>;
using SemAIM_B16_mean_similarity =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<MeanSimilarity, NoFilter, Noise<std::ratio<1, 1000>>>>;
using SemAIM_B16_self_attention =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<SelfAttention, NoFilter, Noise<std::ratio<1, 1000>>>>;
using SemAIM_B16_average = SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromAverage>>;
using SemAIM_B16_reads_previous = SemAIM<ViT_B16<>, Parallel<12, ReadsPrevious>>;
// What the paper leaves open: the filter's border, the order of a model that learns from a teacher,
// the error of its features as the text has it.
using SemAIM_B16_zero_padded = SemAIM<ViT_B16<>, Parallel<12>, Semantic<ZeroPaddedFilter>>;
using SemAIM_B16_clip_own_order =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<>, Target<CLIP<ClipB16>>>;
using SemAIM_B16_clip_l2 =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>, Target<CLIP<ClipB16>, L2>>;
// Several centres, which the paper names as future work.
using SemAIM_B16_centers2 = SemAIM<ViT_B16<>, Parallel<12>, Semantic<Centers<2>>>;

inline constexpr VariantRows semaim_variants{
    VariantRow<SemAIM_Pico>{"SemAIM_Pico", 332'208, "other sizes"},
    VariantRow<SemAIM_Nano>{"SemAIM_Nano", 2'476'592, "other sizes"},
    VariantRow<SemAIM_Ti16>{"SemAIM_Ti16", 11'563'776, "other sizes"},
    VariantRow<SemAIM_S16>{"SemAIM_S16", 44'655'360, "other sizes"},
    VariantRow<SemAIM_B16>{"SemAIM_B16", 175'424'256,
                           "Tables 1 to 3: semantic order, pixels, decoder of 12 layers"},
    VariantRow<SemAIM_L16>{"SemAIM_L16", 461'599'488, "Table 4"},
    VariantRow<SemAIM_H16>{"SemAIM_H16", 877'287'168, "other sizes"},
    VariantRow<SemAIM_B16_raster>{"SemAIM_B16_raster", 175'424'256, "Table 1: reading order"},
    VariantRow<SemAIM_B16_stochastic>{"SemAIM_B16_stochastic", 175'424'256,
                                      "Table 1: random order"},
    VariantRow<SemAIM_B16_similarity>{"SemAIM_B16_similarity", 175'424'256,
                                      "Table 1: by similarity alone"},
    VariantRow<SemAIM_B16_dino>{"SemAIM_B16_dino", 175'424'256,
                                "Table 2: features of DINO ViT-B/16, which gives the order too"},
    VariantRow<SemAIM_B16_clip>{"SemAIM_B16_clip", 174'637'568,
                                "Table 2: features of CLIP ViT-B/16"},
    VariantRow<SemAIM_L16_clip>{"SemAIM_L16_clip", 460'550'656,
                                "Table 4: features of CLIP ViT-B/16"},
    VariantRow<SemAIM_B16_decoder1>{"SemAIM_B16_decoder1", 97'457'664,
                                    "Table 3: decoder of 1 layer"},
    VariantRow<SemAIM_B16_decoder6>{"SemAIM_B16_decoder6", 132'897'024,
                                    "Table 3: decoder of 6 layers"},
    VariantRow<SemAIM_B16_serpentine>{"SemAIM_B16_serpentine", 175'424'256,
                                      "released code: row by row, every second one backwards"},
    VariantRow<SemAIM_B16_center_out>{"SemAIM_B16_center_out", 175'424'256,
                                      "released code: from the centre outwards"},
    VariantRow<SemAIM_B16_stochastic_center>{"SemAIM_B16_stochastic_center", 175'424'256,
                                             "released code: from a random centre outwards"},
    VariantRow<SemAIM_B16_boxes>{
        "SemAIM_B16_boxes", 175'424'256,
        "released code: random in boxes around the most similar patch, no mean filter"},
    VariantRow<SemAIM_B16_code>{"SemAIM_B16_code", 175'424'256,
                                "released code: no mean filter, noise of 0.001"},
    VariantRow<SemAIM_B16_mean_similarity>{
        "SemAIM_B16_mean_similarity", 175'424'256,
        "released code: similarity to the mean of the patches; no mean filter, noise of 0.001"},
    VariantRow<SemAIM_B16_self_attention>{
        "SemAIM_B16_self_attention", 175'424'256,
        "released code: attention of the class token; no mean filter, noise of 0.001"},
    VariantRow<SemAIM_B16_average>{"SemAIM_B16_average", 175'424'256,
                                   "released code: order from a moving average of the encoder "
                                   "(`--ema 0.999 --ema-end 0.9999 --ema-ramp 100`)"},
    VariantRow<SemAIM_B16_reads_previous>{
        "SemAIM_B16_reads_previous", 175'424'256,
        "the text's Eq. 10: a decoder layer reads the encoder layer before its own"},
    VariantRow<SemAIM_B16_zero_padded>{"SemAIM_B16_zero_padded", 175'424'256,
                                       "the mean filter with zeros outside"},
    VariantRow<SemAIM_B16_clip_own_order>{"SemAIM_B16_clip_own_order", 174'637'568,
                                          "features of CLIP, order by the model's own features"},
    VariantRow<SemAIM_B16_clip_l2>{"SemAIM_B16_clip_l2", 174'637'568,
                                   "features of CLIP under squared error, as the text has it"},
    VariantRow<SemAIM_B16_centers2>{
        "SemAIM_B16_centers2", 175'424'256,
        "distance to the nearest of two centres: the paper's future work"},
};

}  // namespace arvit
