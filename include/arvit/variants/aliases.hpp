// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/causal.hpp"
#include "arvit/decoder/distil.hpp"
#include "arvit/decoder/in_place.hpp"
#include "arvit/decoder/joint.hpp"
#include "arvit/decoder/parallel.hpp"
#include "arvit/decoder/twin.hpp"
#include "arvit/decoder/two_stream.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/center_out.hpp"
#include "arvit/order/cluster.hpp"
#include "arvit/order/grouped.hpp"
#include "arvit/order/random_mask.hpp"
#include "arvit/order/raster.hpp"
#include "arvit/order/segments.hpp"
#include "arvit/order/semantic.hpp"
#include "arvit/order/serpentine.hpp"
#include "arvit/order/stochastic.hpp"
#include "arvit/target/codes.hpp"
#include "arvit/target/features.hpp"
#include "arvit/target/gaussian.hpp"
#include "arvit/target/pixel.hpp"

/// One alias per paper row. Numbers in comments: ImageNet-1K fine-tuning accuracy as the paper
/// prints it.
namespace arvit {

// Encoders of the papers, 224 x 224, and small ones for 28 x 28 and 32 x 32 pictures.
template <class... O> using ViT_Ti16 = ViT<12, 192, 3, O...>;
template <class... O> using ViT_S16 = ViT<12, 384, 6, O...>;
template <class... O> using ViT_B16 = ViT<12, 768, 12, O...>;
template <class... O> using ViT_L16 = ViT<24, 1024, 16, O...>;
template <class... O> using ViT_L14 = ViT<24, 1024, 16, Patch<14>, O...>;
template <class... O> using ViT_H14 = ViT<32, 1280, 16, Patch<14>, O...>;
template <class... O> using ViT_H16 = ViT<32, 1280, 16, O...>;
template <class... O> using ViT_Pico = ViT<4, 64, 4, Patch<4>, Image<28>, O...>;
template <class... O> using ViT_Nano = ViT<6, 128, 4, Patch<4>, Image<28>, O...>;
template <class... O>
using ViT_Micro = ViT<6, 128, 4, Patch<4>, Image<32>,
                      O...>;  // 8 x 8 patches: 7 x 7 have neither halves nor squares of 2 x 2

// SAIM: random order, blurred patches, a cross block beside every encoder block. The released
// encoder keeps q, k, v apart.
template <class Encoder, class D = Parallel<12>, class T = Target<Gaussian<9>>,
          class O = Stochastic>
using SAIM = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using SAIM_Nano = SAIM<ViT_Nano<SeparateQkv>, Parallel<6>>;
using SAIM_Ti16 = SAIM<ViT_Ti16<SeparateQkv>>;
using SAIM_S16 = SAIM<ViT_S16<SeparateQkv>>;
using SAIM_B16 = SAIM<ViT_B16<SeparateQkv>>;  // Table 1: 83.6 (300 epochs), 83.9 (800)
using SAIM_L16 = SAIM<ViT_L16<SeparateQkv>>;
using SAIM_H14 = SAIM<ViT_H14<SeparateQkv>, Parallel<16>>;
// SAIM Table 3.
using SAIM_B16_raster = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Pixel>, Raster>;  // 82.76
using SAIM_B16_pixel = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Pixel>>;           // 83.40
using SAIM_B16_shared =
    SAIM<ViT_B16<SeparateQkv>, Parallel<12, SharedWeights>, Target<Pixel>>;             // 83.02
using SAIM_B16_decoder6 = SAIM<ViT_B16<SeparateQkv>, Parallel<6>, Target<Pixel>>;       // 83.01
using SAIM_B16_decoder1 = SAIM<ViT_B16<SeparateQkv>, Parallel<1>, Target<Pixel>>;       // 82.76
using SAIM_B16_gauss3 = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<3>>>;  // 83.52
using SAIM_B16_gauss9_wide =
    SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9, std::ratio<3, 2>>>>;  // 83.45
// Options of the released code and of the paper's text.
using SAIM_B16_reads_previous = SAIM<ViT_B16<SeparateQkv>, Parallel<12, ReadsPrevious>>;
using SAIM_B16_raw = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, RawPatches>>;
using SAIM_B16_l1 = SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, L1>>;
using SAIM_B16_linear_head =
    SAIM<ViT_B16<SeparateQkv>, Parallel<12>, Target<Gaussian<9>, LinearHead>>;
using SAIM_B16_no_class_token = SAIM<ViT_B16<SeparateQkv, NoClassToken>>;

// ViT-iGPT: SAIM's depth 0. Raster order, the output at a token predicts the next patch.
template <class Encoder, class T = Target<Pixel>, class O = Raster>
using CausalViT = Pretrainer<Encoder, Decoder<Causal>, OrderPolicy<O>, T>;
using ViT_iGPT_Nano = CausalViT<ViT_Nano<>>;
using ViT_iGPT_B16 = CausalViT<ViT_B16<>>;  // SAIM Table 3: 82.70
using ViT_iGPT_L16 = CausalViT<ViT_L16<>>;
using ViT_iGPT_H14 = CausalViT<ViT_H14<>>;

// SemAIM: as SAIM, the order grows from the patch most similar to the class token.
template <class Encoder, class D = Parallel<12>, class O = Semantic<>,
          class T = Target<Gaussian<9>>>
using SemAIM = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using SemAIM_Pico = SemAIM<ViT_Pico<>, Parallel<2>>;
using SemAIM_Nano = SemAIM<ViT_Nano<>, Parallel<6>>;
using SemAIM_Ti16 = SemAIM<ViT_Ti16<>>;
using SemAIM_S16 = SemAIM<ViT_S16<>>;
using SemAIM_B16 =
    SemAIM<ViT_B16<>>;  // Table 1: 83.5 (200 epochs); Table 4: 83.8 (400), 84.1 (800)
using SemAIM_L16 = SemAIM<ViT_L16<>>;  // Table 4: 85.5 (400), 85.8 (800)
using SemAIM_H16 = SemAIM<ViT_H16<>>;
// SemAIM Table 1.
using SemAIM_B16_raster = SemAIM<ViT_B16<>, Parallel<12>, Raster>;                      // 82.9
using SemAIM_B16_stochastic = SemAIM<ViT_B16<>, Parallel<12>, Stochastic>;              // 83.0
using SemAIM_B16_similarity = SemAIM<ViT_B16<>, Parallel<12>, Semantic<BySimilarity>>;  // 82.4
// SemAIM Table 2: features of a teacher, which gives the order too.
using SemAIM_B16_dino =
    SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>, Target<DINO<>>>;  // 84.4
using SemAIM_B16_clip = SemAIM<ViT_B16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>,
                               Target<CLIP<ClipB16>>>;  // 84.6; Table 4: 85.3 (800)
using SemAIM_L16_clip = SemAIM<ViT_L16<>, Parallel<12>, Semantic<FromTeacher, NoFilter>,
                               Target<CLIP<ClipB16>>>;  // Table 4: 86.5 (800)
// SemAIM Table 3.
using SemAIM_B16_decoder1 = SemAIM<ViT_B16<>, Parallel<1>>;  // 82.1
using SemAIM_B16_decoder6 = SemAIM<ViT_B16<>, Parallel<6>>;  // 83.3
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

// RandSAC's ranks: random segments, the patches of one predicted together. The decoder is SAIM's,
// not RandSAC's own.
template <class Encoder, class D = Parallel<12>, class O = Segments<2>, class T = Target<Pixel>>
using RandSAC = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using RandSAC_Nano = RandSAC<ViT_Micro<>, Parallel<6>>;
using RandSAC_B16 = RandSAC<ViT_B16<>>;  // SemAIM Table 4: 83.9 (RandSAC itself, 1600 epochs)
using RandSAC_B16_hierarchical = RandSAC<ViT_B16<>, Parallel<12>, Segments<7, 1>>;

// MAE: the masked baseline of all four papers.
template <class Encoder, class D = Joint<8, 512, 16>, class T = Target<Pixel>,
          class O = RandomMask<>>
using MAE = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using MAE_Nano = MAE<ViT_Nano<>, Joint<4, 128, 4>>;
using MAE_S16 = MAE<ViT_S16<>>;
using MAE_B16 = MAE<ViT_B16<>>;  // SAIM Table 1: 83.6 (1600 epochs)
using MAE_B16_raw = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<Pixel, RawPatches>>;
using MAE_L16 = MAE<ViT_L16<>>;
using MAE_H14 = MAE<ViT_H14<>>;

// SimMIM: mask tokens inside the encoder, raw pixels, absolute error; patches of 16, not SimMIM's
// squares of 32, are masked. Linear probe / fine-tuning.
template <class Encoder, class T = Target<Pixel, RawPatches, L1>,
          class O = RandomMask<std::ratio<2, 5>>>
using SimMIM = Pretrainer<Encoder, Decoder<InPlace>, OrderPolicy<O>, T>;
using SimMIM_Nano = SimMIM<ViT_Nano<>>;
using SimMIM_B16 =
    SimMIM<ViT_B16<>>;  // GVP Table 1: 52.5 / 82.8 (200 epochs); Table 5: 56.7 / 83.8 (800)

// GVP p2p: groups of random length in random order, two streams, raw pixels. Linear probe /
// fine-tuning.
template <class Encoder, class O = Grouped<Mixed<20>>, class T = Target<Pixel, RawPatches>,
          class D = TwoStream<>>
using GVP = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using GVP_p2p_Nano = GVP<ViT_Nano<>, Grouped<Mixed<5>>>;
using GVP_p2p_B16 =
    GVP<ViT_B16<>>;  // Table 1: 61.4 / 83.2 (200 epochs); Table 5: 69.6 / 84.0 (800)
// GVP Table 3.
using GVP_p2p_B16_raster = GVP<ViT_B16<>, Grouped<Mixed<20>, FixedSequence>>;  // 58.6 / 82.7
// GVP Table 4.
using GVP_p2p_B16_fixed1 = GVP<ViT_B16<>, Grouped<Fixed<1>>>;      // 51.2 / 82.1
using GVP_p2p_B16_fixed5 = GVP<ViT_B16<>, Grouped<Fixed<5>>>;      // 53.2 / 82.6
using GVP_p2p_B16_fixed20 = GVP<ViT_B16<>, Grouped<Fixed<20>>>;    // 54.4 / 82.5
using GVP_p2p_B16_fixed40 = GVP<ViT_B16<>, Grouped<Fixed<40>>>;    // 54.2 / 82.5
using GVP_p2p_B16_fixed196 = GVP<ViT_B16<>, Grouped<Fixed<196>>>;  // 52.2 / 82.3
using GVP_p2p_B16_random5 = GVP<ViT_B16<>, Grouped<Random<5>>>;    // 57.8 / 82.7
using GVP_p2p_B16_random20 = GVP<ViT_B16<>, Grouped<Random<20>>>;  // 55.6 / 82.4
using GVP_p2p_B16_random40 = GVP<ViT_B16<>, Grouped<Random<40>>>;  // 56.4 / 82.5
using GVP_p2p_B16_mixed5 = GVP<ViT_B16<>, Grouped<Mixed<5>>>;      // 58.4 / 82.7
using GVP_p2p_B16_mixed40 = GVP<ViT_B16<>, Grouped<Mixed<40>>>;    // 60.8 / 83.1
// GVP Table 10, from masked modeling to GVP: SimMIM_B16 (that row repeats SimMIM's of Table 1),
// with causal masks the next alias, with two streams GVP_p2p_B16_fixed196, with mixed lengths
// GVP_p2p_B16.
using GVP_p2p_B16_causal =
    CausalViT<ViT_B16<>, Target<Pixel, RawPatches, LinearHead>, Stochastic>;  // 28.4 / 78.4
// GVP Table 7, on ImageNet100: the pooled features of VQGAN instead of the class token. Linear
// probe 73.1 (69.4 without; these features alone 42.2).
using GVP_p2p_Nano_y_extra =
    GVP<ViT_Nano<NoClassToken, Conditions<Pooled<Codes<512>>>>,
        Grouped<Mixed<5>>>;  // the share of codes, of a codebook of one's own
using GVP_p2p_B16_y_extra = GVP<ViT_B16<NoClassToken, Conditions<Pooled<VqganEncoder>>>>;
// The text as printed, and targets as in the other papers.
using GVP_p2p_B16_token_only =
    GVP<ViT_B16<>, Grouped<Mixed<20>>, Target<Pixel, RawPatches>, TwoStream<TokenOnly>>;
using GVP_p2p_B16_norm_pix = GVP<ViT_B16<>, Grouped<Mixed<20>>, Target<Pixel>>;

// GVP p2d: the codes of a tokenizer instead of pixels. Linear probe / fine-tuning.
using GVP_p2d_Nano = GVP<ViT_Nano<>, Grouped<Mixed<5>>, Target<Codes<512>>>;
using GVP_p2d_B16 =
    GVP<ViT_B16<>, Grouped<Mixed<20>>,
        Target<VQGAN<>>>;  // Table 1: 58.3 / 83.4 (200 epochs); Table 5: 67.4 / 83.8 (800)
using GVP_p2d_B16_fixed20 =
    GVP<ViT_B16<>, Grouped<Fixed<20>>, Target<VQGAN<>>>;  // Table 11: 53.9 / 82.6
using GVP_p2d_B16_random20 =
    GVP<ViT_B16<>, Grouped<Random<20>>, Target<VQGAN<>>>;  // Table 11: 56.2 / 82.6
// BEiT: mask tokens inside the encoder, codes, 40 % masked patch by patch. GVP Table 1, 200 epochs:
// linear probe / fine-tuning.
using BEiT_B16_dvae =
    SimMIM<ViT_B16<>, Target<Codes<8192>>, RandomMask<std::ratio<3, 5>>>;  // 52.1 / 82.4
using BEiT_B16_vqgan =
    SimMIM<ViT_B16<>, Target<VQGAN<>>, RandomMask<std::ratio<3, 5>>>;  // 54.3 / 82.6
using BEiT_L16_dvae = SimMIM<ViT_L16<>, Target<Codes<8192>>,
                             RandomMask<std::ratio<3, 5>>>;  // SemAIM Table 4: 85.2 (800 epochs)

// Codes in, codes out. GVP Table 1, 200 epochs: linear probe / fine-tuning. (MAGE keeps part of its
// mask tokens inside the encoder and pads the decoder with the class token; here they are dropped
// and put back as MAE's.)
using GVP_d2d_Nano = GVP<ViT_Nano<Embedding<Codes<512>>>, Grouped<Mixed<5>>, Target<Codes<512>>>;
using GVP_d2d_B16 = GVP<ViT_B16<Image<256>, Embedding<VQGAN<>>>, Grouped<Mixed<20>>,
                        Target<VQGAN<>>>;  // 69.8 / 81.7
template <class Encoder, class D, class T, class O = VariableMask<>>
using MAGE = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using MAGE_Nano = MAGE<ViT_Nano<Embedding<Codes<512>>>, Joint<2, 64, 4>, Target<Codes<512>>>;
using MAGE_B16 = MAGE<ViT_B16<Image<256>, Embedding<VQGAN<>>>, Joint<8, 768, 16>,
                      Target<VQGAN<>>>;  // 67.2 / 81.5
// iGPT (Chen et al. 2020): the pixels of a small picture in reading order, each one of 512 colours.
// Its blocks are GPT-2's and its positions learned.
template <class Encoder, class Colours = Codes<512>>
using iGPT = CausalViT<Encoder, Target<Colours, LinearHead>>;
using iGPT_Nano = iGPT<ViT<6, 128, 4, Patch<1>, Image<16>, Embedding<Codes<512>>>>;
using iGPT_S = iGPT<ViT<24, 512, 8, Patch<1>, Image<32>, Embedding<Codes<512>>>>;
using iGPT_M = iGPT<ViT<36, 1024, 8, Patch<1>, Image<32>, Embedding<Codes<512>>>>;
using iGPT_L =
    iGPT<ViT<48, 1536, 16, Patch<1>, Image<32>, Embedding<Codes<512>>>>;  // linear probe 60.3,
                                                                          // fine-tuning 66.3
using iGPT_L48 = iGPT<
    ViT<48, 1536, 16, Patch<1>, Image<48>, Embedding<Codes<512>>>>;  // SAIM Table 1: 65.2 / 72.6

// D-iGPT: clusters in random order, features of a teacher, a generative and a discriminative
// decoder. ImageNet fine-tuning; released code's choices.
template <class Encoder, class T = Target<CLIP<>, ResizePrediction<7, 7>>, class D = Twin<2, 1024>,
          class O = Cluster<2, 2>>
using DiGPT = Pretrainer<Encoder, Decoder<D>, OrderPolicy<O>, T>;
using DiGPT_Nano = DiGPT<ViT_Micro<ZeroClassToken>, Target<Features<ViT_Micro<>>>,
                         Twin<2, 128>>;            // the teacher: a run of RandSAC_Nano, for one
using DiGPT_B16 = DiGPT<ViT_B16<ZeroClassToken>>;  // Table 1: 86.2
using DiGPT_L16 = DiGPT<ViT_L16<ZeroClassToken>>;  // Table 1: 87.8
using DiGPT_L14 = DiGPT<ViT_L14<ZeroClassToken>, Target<CLIP<>>>;
using DiGPT_H14 = DiGPT<ViT_H14<ZeroClassToken>, Target<CLIP<>>>;
// D-iGPT Table 5, tokenizers: pixels are MAE_B16 (83.2) and ViT_iGPT_B16 (82.0), CLIP is
// MAE_B16_clip and DiGPT_B16.
using MAE_B16_vqvae = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<Codes<8192>>>;      // 83.2
using ViT_iGPT_B16_vqvae = CausalViT<ViT_B16<>, Target<Codes<8192>, LinearHead>>;  // 82.3
using MAE_B16_dino = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<DINO<>>>;            // 84.4
using DiGPT_B16_dino = DiGPT<ViT_B16<ZeroClassToken>, Target<DINO<>>>;             // 84.7
// D-iGPT Table 6.
using DiGPT_B16_clip_b = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<ClipB16>>>;  // 85.7
using DiGPT_B16_clip_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<ClipL14>, ResizePrediction<7, 7>>>;  // 85.9
using DiGPT_B16_clip_l336 =
    DiGPT_B16_clip_l;  // 84.6: the tower trained at 336 pixels, run at 224 as the others
using DiGPT_B16_dino_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<DINO<DinoL14>, ResizePrediction<7, 7>>>;  // 84.8
using DiGPT_B16_openclip_l =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<OpenClipL14>, ResizePrediction<7, 7>>>;  // 85.9
// D-iGPT Table 7. Where a cluster covers no whole cells of the teacher, the teacher's grid is
// resized.
using DiGPT_B16_clusters1 = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<14, 14>>,
                                  Twin<2, 1024, DisOnly, WholeImage>, Cluster<1, 1>>;  // 85.3
using DiGPT_B16_clusters2 = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<14, 7>>,
                                  Twin<2, 1024>, Cluster<1, 2>>;  // 85.6
using DiGPT_B16_clusters14 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<2, 7>>;  // 85.8
using DiGPT_B16_clusters49 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<7, 7>>;  // 85.7
using DiGPT_B16_clusters196 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>, Twin<2, 1024>, Cluster<14, 14>>;  // 85.4
// D-iGPT Table 8, with the same teacher.
using MAE_B16_clip = MAE<ViT_B16<>, Joint<8, 512, 16>, Target<CLIP<>>>;  // 84.6
using EVA_B16 =
    SimMIM<ViT_B16<>, Target<CLIP<>>, RandomMask<std::ratio<3, 5>>>;  // 85.0; EVA masks 40 %
// The row KD of Table 8 (85.0), and FD of Table 10 (84.9).
using Distil_B16 =
    Pretrainer<ViT_B16<>, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>, Target<CLIP<>>>;
// D-iGPT Table 9, depth and width of the decoders.
using DiGPT_B16_decoder1 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<1, 1024>>;  // 85.6
using DiGPT_B16_decoder4 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<4, 1024>>;  // 86.0
using DiGPT_B16_decoder512 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 512>>;  // 85.8
using DiGPT_B16_decoder768 =
    DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 768>>;  // 85.9
// D-iGPT Table 10.
using DiGPT_B16_dis = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                            Twin<2, 1024, DisOnly>>;  // 84.7
using DiGPT_B16_gen = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                            Twin<2, 1024, GenOnly>>;  // 85.5
using DiGPT_B16_gen_distil = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                   Twin<2, 1024, GenAndDistil>>;  // 85.1
// What paper and released code do not share.
using DiGPT_B16_every_prefix = DiGPT<
    ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, EveryPrefix>>;
using DiGPT_B16_last_layer = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                   Twin<2, 1024, LastLayer>>;
using DiGPT_B16_separate_norms = DiGPT<
    ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>, Twin<2, 1024, SeparateNorms>>;
using DiGPT_B16_normal_class_token = DiGPT<ViT_B16<>>;  // drawn, not zero
using DiGPT_B16_class_first = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>, ResizePrediction<7, 7>>,
                                    Twin<2, 1024, ClassFirst>>;
using DiGPT_B16_resized_teacher = DiGPT<ViT_B16<ZeroClassToken>, Target<CLIP<>>>;

// Parameter counts of a bare encoder with its final norm, and of every alias. SAIM_B16 and MAE_B16
// are those of the released models.
static_assert(ViT_B16<>::parameter_count == 85'647'360);
static_assert(ViT_L16<>::parameter_count == 303'099'904);
static_assert(ViT_H14<>::parameter_count == 630'435'840);
static_assert(SAIM_Nano::parameter_count == 2'476'592);
static_assert(SAIM_Ti16::parameter_count == 11'563'776);
static_assert(SAIM_S16::parameter_count == 44'655'360);
static_assert(SAIM_B16::parameter_count == 175'424'256);
static_assert(SAIM_L16::parameter_count == 461'599'488);
static_assert(SAIM_H14::parameter_count == 954'844'748);
static_assert(SAIM_B16_raster::parameter_count == 175'424'256);
static_assert(SAIM_B16_pixel::parameter_count == 175'424'256);
static_assert(SAIM_B16_shared::parameter_count == 90'369'792);
static_assert(SAIM_B16_decoder6::parameter_count == 132'897'024);
static_assert(SAIM_B16_decoder1::parameter_count == 97'457'664);
static_assert(SAIM_B16_gauss3::parameter_count == 175'424'256);
static_assert(SAIM_B16_gauss9_wide::parameter_count == 175'424'256);
static_assert(SAIM_B16_reads_previous::parameter_count == 175'424'256);
static_assert(SAIM_B16_raw::parameter_count == 175'424'256);
static_assert(SAIM_B16_l1::parameter_count == 175'424'256);
static_assert(SAIM_B16_linear_head::parameter_count == 171'292'416);
static_assert(SAIM_B16_no_class_token::parameter_count == 175'423'488);
static_assert(ViT_iGPT_Nano::parameter_count == 1'286'960);
static_assert(ViT_iGPT_B16::parameter_count == 90'369'792);
static_assert(ViT_iGPT_L16::parameter_count == 310'444'800);
static_assert(ViT_iGPT_H14::parameter_count == 640'005'708);
static_assert(SemAIM_Pico::parameter_count == 332'208);
static_assert(SemAIM_Nano::parameter_count == 2'476'592);
static_assert(SemAIM_Ti16::parameter_count == 11'563'776);
static_assert(SemAIM_S16::parameter_count == 44'655'360);
static_assert(SemAIM_B16::parameter_count == 175'424'256);
static_assert(SemAIM_L16::parameter_count == 461'599'488);
static_assert(SemAIM_H16::parameter_count == 877'287'168);
static_assert(SemAIM_B16_raster::parameter_count == 175'424'256);
static_assert(SemAIM_B16_stochastic::parameter_count == 175'424'256);
static_assert(SemAIM_B16_similarity::parameter_count == 175'424'256);
static_assert(SemAIM_B16_dino::parameter_count == 175'424'256);
static_assert(SemAIM_B16_clip::parameter_count == 174'637'568);
static_assert(SemAIM_L16_clip::parameter_count == 460'550'656);
static_assert(SemAIM_B16_decoder1::parameter_count == 97'457'664);
static_assert(SemAIM_B16_decoder6::parameter_count == 132'897'024);
static_assert(SemAIM_B16_serpentine::parameter_count == 175'424'256);
static_assert(SemAIM_B16_center_out::parameter_count == 175'424'256);
static_assert(SemAIM_B16_stochastic_center::parameter_count == 175'424'256);
static_assert(SemAIM_B16_boxes::parameter_count == 175'424'256);
static_assert(SemAIM_B16_code::parameter_count == 175'424'256);
static_assert(SemAIM_B16_mean_similarity::parameter_count == 175'424'256);
static_assert(SemAIM_B16_self_attention::parameter_count == 175'424'256);
static_assert(SemAIM_B16_average::parameter_count == 175'424'256);
static_assert(SemAIM_B16_reads_previous::parameter_count == 175'424'256);
static_assert(SemAIM_B16_zero_padded::parameter_count == 175'424'256);
static_assert(SemAIM_B16_clip_own_order::parameter_count == 174'637'568);
static_assert(SemAIM_B16_clip_l2::parameter_count == 174'637'568);
static_assert(SemAIM_B16_centers2::parameter_count == 175'424'256);
static_assert(RandSAC_Nano::parameter_count == 2'476'592);
static_assert(RandSAC_B16::parameter_count == 175'424'256);
static_assert(RandSAC_B16_hierarchical::parameter_count == 175'424'256);
static_assert(MAE_Nano::parameter_count == 2'012'464);
static_assert(MAE_S16::parameter_count == 47'401'728);
static_assert(MAE_B16::parameter_count == 111'655'680);
static_assert(MAE_B16_raw::parameter_count == 111'655'680);
static_assert(MAE_L16::parameter_count == 329'239'296);
static_assert(MAE_H14::parameter_count == 656'613'964);
static_assert(SimMIM_Nano::parameter_count == 1'202'608);
static_assert(SimMIM_B16::parameter_count == 86'238'720);
static_assert(GVP_p2p_Nano::parameter_count == 1'202'608);
static_assert(GVP_p2p_B16::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_raster::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_fixed1::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_fixed5::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_fixed20::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_fixed40::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_fixed196::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_random5::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_random20::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_random40::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_mixed5::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_mixed40::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_causal::parameter_count == 86'237'952);
static_assert(GVP_p2p_Nano_y_extra::parameter_count == 1'268'144);
static_assert(GVP_p2p_B16_y_extra::parameter_count == 86'435'328);
static_assert(GVP_p2p_B16_token_only::parameter_count == 86'238'720);
static_assert(GVP_p2p_B16_norm_pix::parameter_count == 86'238'720);
static_assert(GVP_p2d_Nano::parameter_count == 1'262'464);
static_assert(GVP_p2d_B16::parameter_count == 86'435'584);
static_assert(GVP_p2d_B16_fixed20::parameter_count == 86'435'584);
static_assert(GVP_p2d_B16_random20::parameter_count == 86'435'584);
static_assert(BEiT_B16_dvae::parameter_count == 91'947'776);
static_assert(BEiT_B16_vqgan::parameter_count == 86'435'584);
static_assert(BEiT_L16_dvae::parameter_count == 311'497'728);
static_assert(GVP_d2d_Nano::parameter_count == 1'321'728);
static_assert(GVP_d2d_B16::parameter_count == 86'631'424);
static_assert(MAGE_Nano::parameter_count == 1'397'248);
static_assert(MAGE_B16::parameter_count == 143'926'528);
static_assert(iGPT_Nano::parameter_count == 1'321'600);
static_assert(iGPT_S::parameter_count == 76'183'552);
static_assert(iGPT_M::parameter_count == 454'516'224);
static_assert(iGPT_L::parameter_count == 1'361'490'944);
static_assert(iGPT_L48::parameter_count == 1'361'490'944);
static_assert(DiGPT_Nano::parameter_count == 2'552'320);
static_assert(DiGPT_B16::parameter_count == 167'536'128);
static_assert(DiGPT_L16::parameter_count == 389'183'488);
static_assert(DiGPT_L14::parameter_count == 388'999'168);
static_assert(DiGPT_H14::parameter_count == 720'714'240);
static_assert(MAE_B16_vqvae::parameter_count == 115'464'192);
static_assert(ViT_iGPT_B16_vqvae::parameter_count == 91'947'008);
static_assert(MAE_B16_dino::parameter_count == 111'655'680);
static_assert(DiGPT_B16_dino::parameter_count == 167'011'328);
static_assert(DiGPT_B16_clip_b::parameter_count == 166'486'528);
static_assert(DiGPT_B16_clip_l::parameter_count == 167'011'328);
static_assert(DiGPT_B16_clip_l336::parameter_count == 167'011'328);
static_assert(DiGPT_B16_dino_l::parameter_count == 167'536'128);
static_assert(DiGPT_B16_openclip_l::parameter_count == 167'011'328);
static_assert(DiGPT_B16_clusters1::parameter_count == 126'590'976);
static_assert(DiGPT_B16_clusters2::parameter_count == 167'536'128);
static_assert(DiGPT_B16_clusters14::parameter_count == 167'536'128);
static_assert(DiGPT_B16_clusters49::parameter_count == 167'536'128);
static_assert(DiGPT_B16_clusters196::parameter_count == 167'536'128);
static_assert(MAE_B16_clip::parameter_count == 111'787'008);
static_assert(EVA_B16::parameter_count == 86'435'584);
static_assert(Distil_B16::parameter_count == 86'434'816);
static_assert(DiGPT_B16_decoder1::parameter_count == 127'645'184);
static_assert(DiGPT_B16_decoder4::parameter_count == 247'318'016);
static_assert(DiGPT_B16_decoder512::parameter_count == 109'816'320);
static_assert(DiGPT_B16_decoder768::parameter_count == 134'481'920);
static_assert(DiGPT_B16_dis::parameter_count == 126'590'976);
static_assert(DiGPT_B16_gen::parameter_count == 126'590'976);
static_assert(DiGPT_B16_gen_distil::parameter_count == 127'379'968);
static_assert(DiGPT_B16_every_prefix::parameter_count == 167'536'128);
static_assert(DiGPT_B16_last_layer::parameter_count == 158'098'944);
static_assert(DiGPT_B16_separate_norms::parameter_count == 167'545'344);
static_assert(DiGPT_B16_normal_class_token::parameter_count == 167'536'128);
static_assert(DiGPT_B16_class_first::parameter_count == 167'536'128);
static_assert(DiGPT_B16_resized_teacher::parameter_count == 167'536'128);

}  // namespace arvit
