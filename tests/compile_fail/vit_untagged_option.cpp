// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads, Options...>: the options are Patch, Image, NoClassToken,
// ZeroClassToken, MlpRatio, SeparateQkv, NormEpsilon, Embedding, Conditions and positions
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT<12, 768, 12, int>>;
static_assert(Bad::parameter_count > 0);
int main() {}
