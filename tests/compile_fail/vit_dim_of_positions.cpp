// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads>: sin-cos positions need a Dim that is a multiple of 4.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT<12, 770, 12>>;
static_assert(Bad::parameter_count > 0);
int main() {}
