// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Semantic<FromTeacher> needs a teacher with the model's own grid of patches.
#include <arvit/models.hpp>

using Bad = arvit::SemAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                          arvit::Semantic<arvit::FromTeacher>, arvit::Target<arvit::CLIP<>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
