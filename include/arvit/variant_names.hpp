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
    "SemAIM_B16_decoder1", "SemAIM_B16_decoder6", "SemAIM_B16_serpentine", "SemAIM_B16_center_out",
    "SemAIM_B16_stochastic_center", "SemAIM_B16_boxes", "SemAIM_B16_code", "SemAIM_B16_mean_similarity",
    "SemAIM_B16_self_attention", "SemAIM_B16_average", "SemAIM_B16_reads_previous", "SemAIM_B16_centers2", "RandSAC_Nano",
    "RandSAC_B16", "RandSAC_B16_hierarchical", "MAE_Nano", "MAE_S16", "MAE_B16", "MAE_B16_raw", "MAE_L16", "MAE_H14",
    "SimMIM_Nano", "SimMIM_B16", "GVP_p2p_Nano", "GVP_p2p_B16", "GVP_p2p_B16_raster", "GVP_p2p_B16_fixed1",
    "GVP_p2p_B16_fixed5", "GVP_p2p_B16_fixed20", "GVP_p2p_B16_fixed40", "GVP_p2p_B16_fixed196", "GVP_p2p_B16_random5",
    "GVP_p2p_B16_random20", "GVP_p2p_B16_random40", "GVP_p2p_B16_mixed5", "GVP_p2p_B16_mixed40", "GVP_p2p_B16_causal",
    "GVP_p2p_B16_token_only", "GVP_p2p_B16_norm_pix",
});

}  // namespace arvit
