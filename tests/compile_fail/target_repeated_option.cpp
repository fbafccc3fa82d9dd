// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, Options...>: two options of one kind; give each kind once.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Pixel, arvit::L1, arvit::L2>>;
static_assert(Bad::parameter_count > 0);
int main() {}
