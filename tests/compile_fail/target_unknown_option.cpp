// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, Options...>: the options are RawPatches, an error (target/errors/),
// LinearHead, MlpHead and ResizePrediction.
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>,
                        arvit::Target<arvit::Pixel, arvit::NoClassToken>>;
static_assert(Bad::parameter_count > 0);
int main() {}
