// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/twin.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/cluster.hpp"
#include "arvit/target/features.hpp"
#include "arvit/variants/encoders.hpp"
#include "arvit/variants/variant_rows.hpp"

namespace arvit {

// D-iGPT: clusters in random order, features of a teacher, a generative and a discriminative
// decoder; released code's choices. The Nano's teacher is a run of RandSAC_Nano, for one.
template <class Encoder, class T = Target<CLIP<>, ResizePrediction<7, 7>>, class D = Twin<2, 1024>,
          class O = Cluster<2, 2>>
using DiGPT = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using DiGPT_Nano = DiGPT<ViT_Micro<ZeroClassToken>, Target<Features<ViT_Micro<>>>, Twin<2, 128>>;
using DiGPT_B16 = DiGPT<ViT_B16<ZeroClassToken>>;
using DiGPT_L16 = DiGPT<ViT_L16<ZeroClassToken>>;
using DiGPT_L14 = DiGPT<ViT_L14<ZeroClassToken>, Target<CLIP<>>>;
using DiGPT_H14 = DiGPT<ViT_H14<ZeroClassToken>, Target<CLIP<>>>;
using DiGPT_B16_dino = DiGPT<ViT_B16<ZeroClassToken>, Target<DINO<>>>;
// D-iGPT Table 6.
using DiGPT_B16_clip_b = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<ClipB16>>>;
using DiGPT_B16_clip_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<ClipL14>, ResizePrediction<7, 7>>>;
using DiGPT_B16_clip_l336 = DiGPT_B16_clip_l;
using DiGPT_B16_dino_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<DINO<DinoL14>, ResizePrediction<7, 7>>>;
using DiGPT_B16_openclip_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<OpenClipL14>, ResizePrediction<7, 7>>>;
// D-iGPT Table 7. Where a cluster covers no whole cells of the teacher, the teacher's grid is
// resized.
using DiGPT_B16_clusters1 = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<14, 14>>,
                                  Twin<2, 1024, DisOnly, WholeImage>, Cluster<1, 1>>;
using DiGPT_B16_clusters2 = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<14, 7>>,
                                  Twin<2, 1024>, Cluster<1, 2>>;
using DiGPT_B16_clusters14 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<2, 7>>;
using DiGPT_B16_clusters49 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<7, 7>>;
using DiGPT_B16_clusters196 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<14, 14>>;
// D-iGPT Table 9, depth and width of the decoders.
using DiGPT_B16_decoder1 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<1, 1024>>;
using DiGPT_B16_decoder4 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<4, 1024>>;
using DiGPT_B16_decoder512 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 512>>;
using DiGPT_B16_decoder768 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 768>>;
// D-iGPT Table 10.
using DiGPT_B16_dis =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, DisOnly>>;
using DiGPT_B16_gen =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, GenOnly>>;
using DiGPT_B16_gen_distil = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                   Twin<2, 1024, GenAndDistil>>;
// What paper and released code do not share.
using DiGPT_B16_every_prefix = DiGPT<
    ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, EveryPrefix>>;
using DiGPT_B16_last_layer = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                   Twin<2, 1024, LastLayer>>;
using DiGPT_B16_separate_norms = DiGPT<
    ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, SeparateNorms>>;
using DiGPT_B16_normal_class_token = DiGPT<ViT_B16<>>;
using DiGPT_B16_class_first = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                    Twin<2, 1024, ClassFirst>>;
using DiGPT_B16_resized_teacher = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>>;

inline constexpr VariantRows digpt_variants{
    VariantRow<DiGPT_Nano>{"DiGPT_Nano", 2'552'320,
                           "other sizes; the Nano's teacher is an encoder of its own kind"},
    VariantRow<DiGPT_B16>{"DiGPT_B16", 167'536'128, "Table 1, and the default of Tables 5 to 10"},
    VariantRow<DiGPT_L16>{"DiGPT_L16", 389'183'488, "Table 1"},
    VariantRow<DiGPT_L14>{"DiGPT_L14", 388'999'168,
                          "other sizes; the Nano's teacher is an encoder of its own kind"},
    VariantRow<DiGPT_H14>{"DiGPT_H14", 720'714'240, "Table 3: ImageNet-21K"},
    VariantRow<DiGPT_B16_dino>{"DiGPT_B16_dino", 167'011'328, "Table 5: features of DINO"},
    VariantRow<DiGPT_B16_clip_b>{"DiGPT_B16_clip_b", 166'486'528, "Table 6: CLIP ViT-B"},
    VariantRow<DiGPT_B16_clip_l>{"DiGPT_B16_clip_l", 167'011'328, "Table 6: CLIP ViT-L"},
    VariantRow<DiGPT_B16_clip_l336>{
        "DiGPT_B16_clip_l336", 167'011'328,
        "Table 6: CLIP ViT-L trained at 336 pixels, run at 224; the same type"},
    VariantRow<DiGPT_B16_dino_l>{"DiGPT_B16_dino_l", 167'536'128, "Table 6: DINO ViT-L"},
    VariantRow<DiGPT_B16_openclip_l>{"DiGPT_B16_openclip_l", 167'011'328,
                                     "Table 6: OpenCLIP ViT-L"},
    VariantRow<DiGPT_B16_clusters1>{"DiGPT_B16_clusters1", 126'590'976,
                                    "Table 7: one cluster, the whole picture"},
    VariantRow<DiGPT_B16_clusters2>{"DiGPT_B16_clusters2", 167'536'128,
                                    "Table 7: 2 clusters of 224 x 112"},
    VariantRow<DiGPT_B16_clusters14>{"DiGPT_B16_clusters14", 167'536'128,
                                     "Table 7: 14 clusters of 112 x 32"},
    VariantRow<DiGPT_B16_clusters49>{"DiGPT_B16_clusters49", 167'536'128,
                                     "Table 7: 49 clusters of 32 x 32"},
    VariantRow<DiGPT_B16_clusters196>{"DiGPT_B16_clusters196", 167'536'128,
                                      "Table 7: 196 clusters of 16 x 16"},
    VariantRow<DiGPT_B16_decoder1>{"DiGPT_B16_decoder1", 127'645'184,
                                   "Table 9: decoders of 1 layer"},
    VariantRow<DiGPT_B16_decoder4>{"DiGPT_B16_decoder4", 247'318'016, "Table 9: of 4 layers"},
    VariantRow<DiGPT_B16_decoder512>{"DiGPT_B16_decoder512", 109'816'320, "Table 9: of width 512"},
    VariantRow<DiGPT_B16_decoder768>{"DiGPT_B16_decoder768", 134'481'920, "Table 9: of width 768"},
    VariantRow<DiGPT_B16_dis>{"DiGPT_B16_dis", 126'590'976, "Table 10: Dis alone"},
    VariantRow<DiGPT_B16_gen>{"DiGPT_B16_gen", 126'590'976, "Table 10: Gen alone"},
    VariantRow<DiGPT_B16_gen_distil>{"DiGPT_B16_gen_distil", 127'379'968,
                                     "Table 10: Gen and distillation of the encoder's output"},
    VariantRow<DiGPT_B16_every_prefix>{
        "DiGPT_B16_every_prefix", 167'536'128,
        "Eq. 7 as printed: Dis predicts all visible clusters for every prefix"},
    VariantRow<DiGPT_B16_last_layer>{"DiGPT_B16_last_layer", 158'098'944,
                                     "the text: the decoders read the encoder's output alone"},
    VariantRow<DiGPT_B16_separate_norms>{"DiGPT_B16_separate_norms", 167'545'344,
                                         "a norm for each fused layer"},
    VariantRow<DiGPT_B16_normal_class_token>{
        "DiGPT_B16_normal_class_token", 167'536'128,
        "the class token starts from a normal draw, not at zero"},
    VariantRow<DiGPT_B16_class_first>{"DiGPT_B16_class_first", 167'536'128,
                                      "the class token first, and not predicted"},
    VariantRow<DiGPT_B16_resized_teacher>{"DiGPT_B16_resized_teacher", 167'536'128,
                                          "the teacher's grid resized, not the predictions"},
};

}  // namespace arvit
