// SPDX-License-Identifier: BSL-1.0
// expect: Features<Teacher>: Teacher is an encoder or a tower, with Grid, dim and has_class_token
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Features<arvit::Pixel>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
