// SPDX-License-Identifier: BSL-1.0
// expect: Semantic<FromTeacher, SelfAttention>: a teacher gives tokens, not attention; use
// ClassSimilarity or MeanSimilarity.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                          arvit::Semantic<arvit::FromTeacher, arvit::SelfAttention>,
                          arvit::Target<arvit::DINO<>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
