// expect: Target<Kind, Error>: codes have CrossEntropy, and nothing else has; drop the error or choose another.
// SPDX-License-Identifier: BSL-1.0
#include <arvit/models.hpp>
constexpr auto count = arvit::GVP<arvit::ViT_B16<>, arvit::Grouped<arvit::Mixed<20>>, arvit::Target<arvit::VQGAN<>, arvit::L2>>::parameter_count;
