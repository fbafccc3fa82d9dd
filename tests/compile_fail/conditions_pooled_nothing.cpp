// SPDX-License-Identifier: BSL-1.0
// expect: Pooled<Teacher>: Teacher is an encoder, a tower or the tokenizer's Codes<N>.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Conditions<arvit::Pooled<int>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
