// SPDX-License-Identifier: BSL-1.0
// expect: Embedding<Words>: Words is the tokenizer's Codes<N>, such as VQGAN<>.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Embedding<arvit::Pixel>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
