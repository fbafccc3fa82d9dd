// SPDX-License-Identifier: BSL-1.0
// expect: Target<Kind, Error>: codes have CrossEntropy, and nothing else has; drop the error or
// choose another.
#include <arvit/models.hpp>
constexpr auto count = arvit::GVP<arvit::ViT_B16<>, arvit::Grouped<arvit::Mixed<20>>,
                                  arvit::Target<arvit::VQGAN<>, arvit::L2>>::parameter_count;
