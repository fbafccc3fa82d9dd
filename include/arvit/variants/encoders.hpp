// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/model/vit.hpp"

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
// 8 x 8 patches: 7 x 7 have neither halves nor squares of 2 x 2.
template <class... O> using ViT_Micro = ViT<6, 128, 4, Patch<4>, Image<32>, O...>;

}  // namespace arvit
