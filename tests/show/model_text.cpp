// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/model_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace arvit;

namespace {
template <class... Models> std::vector<std::string> texts() { return {model_text<Models>()...}; }
}  // namespace

TEST_CASE("model_text: says what a model is") {
  CHECK(model_text<SemAIM_Pico>() ==
        "A vision transformer (4 layers, width 64, 49 patches) was trained: a decoder of 2 layers "
        "beside it predicted every patch from those before it. "
        "Order: growing from the patch most similar to the class token. Predicted of a patch: its "
        "pixels in a blurred picture, standardised in every patch.");
  CHECK(
      model_text<GVP_p2d_Nano>() ==
      "A vision transformer (6 layers, width 128, 49 patches) was trained: queries, a second "
      "stream through its own layers, predicted every group of patches from the groups before it. "
      "Order: random, in 6 groups of random length, the last of about half the patches. Predicted "
      "of a patch: its code, one of 512 of a codebook.");
  CHECK(model_text<DiGPT_B16_dis>().find(
            "a decoder of 2 layers predicted every cluster from those up to and with it. Order: "
            "the picture in 2 x 2 clusters in random order") != std::string::npos);
  CHECK(model_text<SemAIM_B16_dino>().find("similar to the class token, by the teacher's features. "
                                           "Predicted of a patch: a frozen teacher's features") !=
        std::string::npos);
  CHECK(model_text<MAE_B16>().find("Order: 25 % of the patches visible") != std::string::npos);
  CHECK(model_text<GVP_p2p_B16_raster>().find("Order: reading order, in 21 groups of random "
                                              "length, the last of about half the patches") !=
        std::string::npos);
}

TEST_CASE("model_text: knows the parts of every model of variants.hpp") {
  for (const std::string& sentences :
       texts<SAIM_B16, SAIM_B16_raster, SAIM_B16_raw, SAIM_B16_shared, SAIM_B16_gauss9_wide,
             ViT_iGPT_B16, SemAIM_B16_similarity, SemAIM_B16_serpentine, SemAIM_B16_center_out,
             SemAIM_B16_stochastic_center, SemAIM_B16_boxes, SemAIM_B16_self_attention,
             SemAIM_B16_average, SemAIM_B16_centers2, RandSAC_B16_hierarchical, SimMIM_B16,
             GVP_p2p_B16_fixed20, GVP_p2p_B16_random20, GVP_p2p_B16_token_only, BEiT_B16_vqgan,
             DiGPT_B16_gen, DiGPT_B16_gen_distil, DiGPT_B16_clusters1, EVA_B16, Distil_B16>())
    CHECK(sentences.find("user's own") == std::string::npos);
}
