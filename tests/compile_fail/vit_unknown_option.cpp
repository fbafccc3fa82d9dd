// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, Options...>: the options are Patch, Image, NoClassToken,
// ZeroClassToken, MlpRatio, SeparateQkv, Embedding and Conditions.
#include <arvit/models.hpp>

using Bad = arvit::ViT<12, 768, 12, arvit::RawPatches>;
int main() { return Bad::depth; }
