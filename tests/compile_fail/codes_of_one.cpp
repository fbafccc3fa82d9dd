// SPDX-License-Identifier: BSL-1.0
// expect: Codes<Classes>: Classes counts the codes of the tokenizer; it must be at least 2.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Codes<1>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
