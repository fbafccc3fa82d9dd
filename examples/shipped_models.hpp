// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/variants.hpp"
#include "arvit/workbench/extra_models.hpp"

/// The models that the programs for checkpoints hold: the small ones and B/16, and whatever a build
/// adds with -DARVIT_MODELS or -DARVIT_MODELS_HEADER.
using ShippedModels = arvit::WithExtraModels<arvit::ModelList<
    arvit::Variant<arvit::SAIM_Nano, "SAIM_Nano">,
    arvit::Variant<arvit::SemAIM_Pico, "SemAIM_Pico">,
    arvit::Variant<arvit::SemAIM_Nano, "SemAIM_Nano">,
    arvit::Variant<arvit::ViT_iGPT_Nano, "ViT_iGPT_Nano">,
    arvit::Variant<arvit::RandSAC_Nano, "RandSAC_Nano">,
    arvit::Variant<arvit::MAE_Nano, "MAE_Nano">,
    arvit::Variant<arvit::GVP_p2p_Nano, "GVP_p2p_Nano">,
    arvit::Variant<arvit::GVP_p2d_Nano, "GVP_p2d_Nano">,
    arvit::Variant<arvit::DiGPT_Nano, "DiGPT_Nano">,
    arvit::Variant<arvit::GVP_d2d_Nano, "GVP_d2d_Nano">,
    arvit::Variant<arvit::iGPT_Nano, "iGPT_Nano">,
    arvit::Variant<arvit::GVP_p2p_Nano_y_extra, "GVP_p2p_Nano_y_extra">,
    arvit::Variant<arvit::SAIM_B16, "SAIM_B16">, arvit::Variant<arvit::SemAIM_B16, "SemAIM_B16">,
    arvit::Variant<arvit::ViT_iGPT_B16, "ViT_iGPT_B16">,
    arvit::Variant<arvit::RandSAC_B16, "RandSAC_B16">, arvit::Variant<arvit::MAE_B16, "MAE_B16">,
    arvit::Variant<arvit::GVP_p2p_B16, "GVP_p2p_B16">,
    arvit::Variant<arvit::GVP_p2d_B16, "GVP_p2d_B16">,
    arvit::Variant<arvit::GVP_d2d_B16, "GVP_d2d_B16">,
    arvit::Variant<arvit::DiGPT_B16, "DiGPT_B16">, arvit::Variant<arvit::iGPT_S, "iGPT_S">>>;
