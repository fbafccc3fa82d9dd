// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/weights/key_layout.hpp"

namespace arvit {

/// timm's VisionTransformer: our own names, and the positions as a tensor.
inline constexpr KeyLayout timm_keys{.name = "timm", .theirs = same_name, .positions = "pos_embed"};

}  // namespace arvit
