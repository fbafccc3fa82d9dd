// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <string_view>

namespace arvit {

/// The names of all models in variants.hpp, in its order, for programs that hold only some of them. tests/repository/variant_names.cpp compares.
inline constexpr auto variant_names = std::to_array<std::string_view>({
    "SAIM_Nano", "SAIM_Ti16", "SAIM_S16", "SAIM_B16", "SAIM_L16", "SAIM_H14", "SAIM_B16_raster", "SAIM_B16_pixel",
    "SAIM_B16_shared", "SAIM_B16_decoder6", "SAIM_B16_decoder1", "SAIM_B16_gauss3", "SAIM_B16_gauss9_wide",
    "SAIM_B16_reads_previous", "SAIM_B16_raw", "SAIM_B16_l1", "SAIM_B16_linear_head", "SAIM_B16_no_class_token",
    "ViT_iGPT_Nano", "ViT_iGPT_B16", "ViT_iGPT_L16", "ViT_iGPT_H14", "SemAIM_Pico", "SemAIM_Nano", "SemAIM_Ti16", "SemAIM_S16",
    "SemAIM_B16", "SemAIM_L16", "SemAIM_H16", "SemAIM_B16_raster", "SemAIM_B16_stochastic", "SemAIM_B16_similarity",
    "SemAIM_B16_dino", "SemAIM_B16_clip", "SemAIM_L16_clip", "SemAIM_B16_decoder1", "SemAIM_B16_decoder6",
    "SemAIM_B16_serpentine", "SemAIM_B16_center_out", "SemAIM_B16_stochastic_center", "SemAIM_B16_boxes", "SemAIM_B16_code",
    "SemAIM_B16_mean_similarity", "SemAIM_B16_self_attention", "SemAIM_B16_average", "SemAIM_B16_reads_previous",
    "SemAIM_B16_zero_padded", "SemAIM_B16_clip_own_order", "SemAIM_B16_clip_l2", "SemAIM_B16_centers2", "RandSAC_Nano",
    "RandSAC_B16", "RandSAC_B16_hierarchical", "MAE_Nano", "MAE_S16", "MAE_B16", "MAE_B16_raw", "MAE_L16", "MAE_H14",
    "SimMIM_Nano", "SimMIM_B16", "GVP_p2p_Nano", "GVP_p2p_B16", "GVP_p2p_B16_raster", "GVP_p2p_B16_fixed1",
    "GVP_p2p_B16_fixed5", "GVP_p2p_B16_fixed20", "GVP_p2p_B16_fixed40", "GVP_p2p_B16_fixed196", "GVP_p2p_B16_random5",
    "GVP_p2p_B16_random20", "GVP_p2p_B16_random40", "GVP_p2p_B16_mixed5", "GVP_p2p_B16_mixed40", "GVP_p2p_B16_causal",
    "GVP_p2p_Nano_y_extra", "GVP_p2p_B16_y_extra", "GVP_p2p_B16_token_only", "GVP_p2p_B16_norm_pix", "GVP_p2d_Nano",
    "GVP_p2d_B16", "GVP_p2d_B16_fixed20", "GVP_p2d_B16_random20", "BEiT_B16_dvae", "BEiT_B16_vqgan", "BEiT_L16_dvae",
    "GVP_d2d_Nano", "GVP_d2d_B16", "MAGE_Nano", "MAGE_B16", "iGPT_Nano", "iGPT_S", "iGPT_M", "iGPT_L", "iGPT_L48",
    "DiGPT_Nano", "DiGPT_B16", "DiGPT_L16", "DiGPT_L14", "DiGPT_H14", "MAE_B16_vqvae", "ViT_iGPT_B16_vqvae", "MAE_B16_dino",
    "DiGPT_B16_dino", "DiGPT_B16_clip_b", "DiGPT_B16_clip_l", "DiGPT_B16_clip_l336", "DiGPT_B16_dino_l",
    "DiGPT_B16_openclip_l", "DiGPT_B16_clusters1", "DiGPT_B16_clusters2", "DiGPT_B16_clusters14", "DiGPT_B16_clusters49",
    "DiGPT_B16_clusters196", "MAE_B16_clip", "EVA_B16", "Distil_B16", "DiGPT_B16_decoder1", "DiGPT_B16_decoder4",
    "DiGPT_B16_decoder512", "DiGPT_B16_decoder768", "DiGPT_B16_dis", "DiGPT_B16_gen", "DiGPT_B16_gen_distil",
    "DiGPT_B16_every_prefix", "DiGPT_B16_last_layer", "DiGPT_B16_separate_norms", "DiGPT_B16_normal_class_token",
    "DiGPT_B16_class_first", "DiGPT_B16_resized_teacher",
});

}  // namespace arvit
