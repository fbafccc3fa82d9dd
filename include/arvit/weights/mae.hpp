// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/weights/key_layout.hpp"

namespace arvit {

/// The published code of MAE (He et al. 2022): timm's names, and its decoder's where the model is
/// an MAE.
inline constexpr KeyLayout mae_keys{
    .name = "mae",
    .remark = "with the decoder of an MAE",
    .theirs = same_name,
    .positions = "pos_embed",
    .decoder_positions = "decoder_pos_embed",
};

}  // namespace arvit
