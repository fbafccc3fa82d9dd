// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Embedding<Codes<N>> and Target<Codes<M>> have one tokenizer; give both the
// same number of codes.
#include <arvit/models.hpp>

using Bad = arvit::GVP<arvit::ViT_B16<arvit::Embedding<arvit::Codes<512>>>,
                       arvit::Grouped<arvit::Mixed<20>>, arvit::Target<arvit::VQGAN<>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
