// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: an encoder that reads codes predicts codes or pixels; choose such a target,
// or drop Embedding.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Embedding<arvit::Codes<512>>>,
                       arvit::Grouped<arvit::Mixed<20>>, arvit::Target<arvit::CLIP<>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
