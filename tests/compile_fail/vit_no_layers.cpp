// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads>: Depth counts layers; it must be positive.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT<0, 768, 12>, arvit::Parallel<1>>;
static_assert(Bad::parameter_count > 0);
int main() {}
