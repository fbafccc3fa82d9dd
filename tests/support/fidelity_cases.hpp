// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/decoder/twin.hpp"
#include "support/fixture.hpp"

/// The fixtures of whole models and the type of each.
namespace arvit::test {

using Gauss = Target<Gaussian<9>>;
template <class D = Parallel<4>, class T = Gauss, class O = Stochastic, class E = Fixture<>>
using Saim = Pretrainer<E, Decoder<D>, OrderPolicy<O>, T>;

template <class D> void check_saim(D& device) {
  check_fixture<Saim<>>(device, "saim");
  check_fixture<Saim<Parallel<3>>>(device, "saim_decoder3");
  check_fixture<Saim<Parallel<2>>>(device, "saim_decoder2");
  check_fixture<Saim<Parallel<1>>>(device, "saim_decoder1");
  check_fixture<Saim<Parallel<4, ReadsPrevious>>>(device, "saim_reads_previous");
  check_fixture<Saim<Parallel<4, SharedWeights>>>(device, "saim_shared");
  check_fixture<Saim<Parallel<4, ReadsPrevious>>>(device, "saim_ties_reads_previous");
  for (const char* name :
       {"saim_raster", "saim_serpentine", "saim_ties", "semaim", "semaim_zero_padding"})
    check_fixture<Saim<>>(device, name);
}
template <class D> void check_targets_and_heads(D& device) {
  check_fixture<Saim<Parallel<4>, Target<Pixel>>>(device, "saim_pixel");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<3>>>>(device, "saim_gaussian3");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9, std::ratio<3, 2>>>>>(
      device, "saim_gaussian9_sigma1.5");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9>, RawPatches>>>(device, "saim_no_norm_pix");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9>, L1>>>(device, "saim_l1");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9>, SmoothL1<std::ratio<3, 4>>>>>(
      device, "saim_smooth_l1");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9>, LinearHead>>>(device, "saim_linear_head");
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Fixture<NoClassToken>>>(device,
                                                                             "saim_no_class_token");
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Fixture<NoClassToken>>>(
      device, "saim_ties_no_class_token");
  check_fixture<Saim<Parallel<1>, Target<Gaussian<9>, LinearHead>, Stochastic,
                     ViT<2, 24, 2, Patch<4>, Image<12, 16>>>>(device, "saim_head_dim12");
}
template <class D> void check_baselines(D& device) {
  using E = Fixture<>;
  check_fixture<CausalViT<E>>(device, "vit_igpt");
  check_fixture<CausalViT<E>>(device, "vit_igpt_stochastic");
  check_fixture<CausalViT<E, Target<Pixel, RawPatches, LinearHead>>>(device,
                                                                     "vit_igpt_linear_no_norm_pix");
  check_fixture<MAE<E, Joint<2, 16, 4>>>(device, "mae");
  check_fixture<MAE<E, Joint<2, 16, 4>, Target<Pixel, RawPatches>>>(device, "mae_no_norm_pix");
  check_fixture<MAE<E, InPlace, Target<Pixel, RawPatches, L1>>>(device, "in_place");
  check_fixture<MAE<Fixture<NoClassToken>, InPlace>>(device, "in_place_ragged");
}
template <class D> void check_gvp(D& device) {
  using Raw = Target<Pixel, RawPatches>;
  check_fixture<Saim<TwoStream<>, Raw>>(device, "gvp");
  check_fixture<Saim<TwoStream<TokenOnly>, Raw>>(device, "gvp_token_only");
  check_fixture<Saim<TwoStream<>, Target<Pixel, MlpHead>>>(device, "gvp_stochastic");
  check_fixture<Saim<TwoStream<>, Raw, Stochastic, Fixture<NoClassToken>>>(device,
                                                                           "gvp_no_class_token");
  check_fixture<Saim<TwoStream<>, Target<Codes<7>>>>(device, "gvp_codes");
  check_fixture<CausalViT<Fixture<>, Target<Codes<7>, LinearHead>>>(device, "vit_igpt_codes");
}
/// Encoders that read codes.
template <class D> void check_of_codes(D& device) {
  using Seven = Target<Codes<7>>;
  using OfCodes = Fixture<Embedding<Codes<7>>>;
  check_fixture<Saim<TwoStream<>, Seven, Stochastic, OfCodes>>(device, "gvp_d2d");
  check_fixture<Saim<TwoStream<>, Seven, Stochastic, Fixture<NoClassToken, Embedding<Codes<7>>>>>(
      device, "gvp_d2d_no_class_token");
  check_fixture<iGPT<ViT<4, 12, 3, Patch<1>, Image<3, 4>, Embedding<Codes<7>>>, Codes<7>>>(device,
                                                                                           "igpt");
  check_fixture<MAGE<OfCodes, Joint<2, 16, 4>, Seven>>(device, "mage");
  check_fixture<Saim<Parallel<4>, Target<Pixel>, Stochastic, OfCodes>>(device, "saim_of_codes");
}
struct Tower {
  static constexpr int dim = 5;
};
/// Tokens of rank 0 beside the class token or instead of it.
template <class D> void check_conditions(D& device) {
  using Extra = Conditions<Pooled<Tower>>;
  using Both = Conditions<Labels<3>, Pooled<Tower>>;
  using Raw = Target<Pixel, RawPatches>;
  check_fixture<Saim<TwoStream<>, Raw, Stochastic, Fixture<NoClassToken, Extra>>>(device,
                                                                                  "gvp_condition");
  check_fixture<Saim<TwoStream<>, Raw, Stochastic, Fixture<Both>>>(device, "gvp_conditions");
  check_fixture<Saim<Parallel<4>, Target<Gaussian<9>>, Stochastic, Fixture<Both>>>(
      device, "saim_conditions");
  check_fixture<MAE<Fixture<Extra>, Joint<2, 16, 4>>>(device, "mae_condition");
  check_fixture<MAE<Fixture<Extra>, InPlace, Target<Pixel, RawPatches, L1>>>(device,
                                                                             "in_place_condition");
  check_fixture<CausalViT<Fixture<NoClassToken, Conditions<Labels<3>>>>>(device, "vit_igpt_label");
  check_fixture<
      Saim<TwoStream<>, Target<Codes<7>>, Stochastic, Fixture<Embedding<Codes<7>>, Extra>>>(
      device, "gvp_d2d_conditions");
}
/// Positions of the encoder, with every decoder that adds them to its queries or reads keys that
/// turn; and the epsilon of norms.
template <class D> void check_positions(D& device) {
  using Raw = Target<Pixel, RawPatches>;
  using Learned = Fixture<LearnedPositions>;
  using Rotary = Fixture<RotaryPositions>;
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Learned>>(device, "saim_learned");
  check_fixture<MAE<Learned, InPlace, Target<Pixel, RawPatches, L1>>>(device, "in_place_learned");
  check_fixture<
      Saim<TwoStream<>, Raw, Stochastic, Fixture<RotaryPositions, Conditions<Pooled<Tower>>>>>(
      device, "gvp_rotary");
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Rotary>>(device, "saim_rotary");
}
template <class D> void check_more_positions(D& device) {
  using Raw = Target<Pixel, RawPatches>;
  using Learned = Fixture<LearnedPositions>;
  using Rotary = Fixture<RotaryPositions>;
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Fixture<FrozenPositions>>>(device,
                                                                                "saim_frozen");
  check_fixture<Saim<Parallel<1, ReadsPrevious>, Gauss, Stochastic, OfDepth<1, LearnedPositions>>>(
      device, "saim_ties_reads_first_learned");
  check_fixture<MAE<Learned, Joint<2, 16, 4>>>(device, "mae_learned");
  check_fixture<MAE<Rotary, Joint<2, 16, 4>>>(device, "mae_rotary");
  check_fixture<Saim<TwoStream<>, Raw, Stochastic, Learned>>(device, "gvp_learned");
  check_fixture<Saim<TwoStream<TokenOnly>, Raw, Stochastic, Learned>>(device,
                                                                      "gvp_token_only_learned");
  check_fixture<MAE<Rotary, InPlace, Target<Pixel, RawPatches, L1>>>(device, "in_place_rotary");
  check_fixture<CausalViT<Fixture<NoPositions>>>(device, "vit_igpt_none");
  check_fixture<CausalViT<Rotary>>(device, "vit_igpt_rotary");
  check_fixture<Pretrainer<Learned, Decoder<Twin<2, 8, HeadWidth<4>>>, OrderPolicy<Stochastic>,
                           Target<Features<Fixture<>>, L2>>>(device, "digpt_learned");
  check_fixture<
      iGPT<ViT<4, 12, 3, Patch<1>, Image<3, 4>, Embedding<Codes<7>>, LearnedPositions>, Codes<7>>>(
      device, "igpt_learned");
  using Thousandth = Fixture<NormEpsilon<std::ratio<1, 1000>>>;
  check_fixture<Saim<Parallel<4>, Gauss, Stochastic, Thousandth>>(device, "saim_epsilon");
  check_fixture<MAE<Thousandth, Joint<2, 16, 4>>>(device, "mae_epsilon");
}
template <class D> void check_digpt(D& device) {
  using Given = Features<Fixture<>>;
  using Narrow = HeadWidth<4>;
  const auto check = [&]<class... O>(const char* name, Twin<2, 8, O...>) {
    check_fixture<Pretrainer<Fixture<>, Decoder<Twin<2, 8, O...>>, OrderPolicy<Stochastic>,
                             Target<Given, L2>>>(device, name);
  };
  check("digpt", Twin<2, 8, Narrow>{});
  check("digpt_class_first", Twin<2, 8, Narrow, ClassFirst>{});
  check("digpt_gen", Twin<2, 8, Narrow, GenOnly>{});
  check("digpt_dis", Twin<2, 8, Narrow, DisOnly>{});
  check("digpt_distil", Twin<2, 8, Narrow, GenAndDistil>{});
  check("digpt_every_prefix", Twin<2, 8, Narrow, EveryPrefix>{});
  check("digpt_last_layer", Twin<2, 8, Narrow, LastLayer, SeparateNorms>{});
  check("digpt_separate_norms", Twin<2, 8, Narrow, SeparateNorms, GenOnly>{});
  check("digpt_whole_image", Twin<2, 8, Narrow, DisOnly, WholeImage>{});
  const auto check_on = [&]<class E, class Kind>(const char* name, E, Kind) {
    check_fixture<Pretrainer<E, Decoder<Kind>, OrderPolicy<Stochastic>, Target<Given, L2>>>(device,
                                                                                            name);
  };
  check_on("digpt_no_class_token", OfDepth<2, NoClassToken>{}, Twin<2, 8, HeadWidth<8>>{});
  check_on("digpt_no_class_token_every_prefix", OfDepth<2, NoClassToken>{},
           Twin<2, 8, Narrow, EveryPrefix, WholeImage, SeparateNorms>{});
  check_on("digpt_whole_image_both", OfDepth<6>{}, Twin<2, 8, HeadWidth<2>, WholeImage>{});
  check_on("digpt_every_prefix_class_first", OfDepth<2>{},
           Twin<1, 8, Narrow, EveryPrefix, ClassFirst>{});
  check_on("digpt_every_prefix_whole_image", OfDepth<2>{},
           Twin<3, 8, Narrow, EveryPrefix, WholeImage, LastLayer>{});
  check_fixture<
      Pretrainer<Fixture<>, Decoder<Twin<2, 8, Narrow>>, OrderPolicy<Stochastic>, Target<Given>>>(
      device, "digpt_cosine");
  check_fixture<Pretrainer<Fixture<>, Decoder<Twin<2, 8, Narrow, ClassFirst>>,
                           OrderPolicy<Stochastic>, Target<Pixel>>>(device, "digpt_pixel");
  check_fixture<Pretrainer<Fixture<>, Decoder<Distil>, OrderPolicy<Stochastic>, Target<Given>>>(
      device, "feature_distillation");
  check_fixture<Pretrainer<Fixture<>, Decoder<Twin<2, 8, Narrow, DisOnly>>, OrderPolicy<Stochastic>,
                           Target<Features<ViT<1, 8, 2, Patch<4>, Image<24, 20>>>>>>(
      device, "digpt_resized_teacher");
  using Tall = ViT<4, 12, 3, Patch<4>, Image<24, 16>>;
  check_fixture<
      Pretrainer<Tall, Decoder<Twin<2, 8, Narrow, EveryPrefix>>, OrderPolicy<Cluster<2, 2>>,
                 Target<Features<ViT<1, 8, 2, Patch<4>, Image<32, 24>>>, ResizePrediction<3, 2>>>>(
      device, "digpt_resized_prediction");
  check_fixture<Saim<Parallel<4>, Target<Given>>>(device, "semaim_features");
}

}  // namespace arvit::test
