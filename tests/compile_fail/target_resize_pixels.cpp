// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, ResizePrediction<Rows, Columns>>: only a teacher's features have a grid of
// their own; drop ResizePrediction.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Pixel, arvit::ResizePrediction<2, 2>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
