// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/variants.hpp"

// SAIM's decoder and blurred patches, in RandSAC's order: squares of 2 x 2 patches, each at once.
using Mine = arvit::Pretrainer<
    arvit::ViT<4, 64, 4, arvit::Patch<4>, arvit::Image<32>>, arvit::Decoder<arvit::Parallel<2>>,
    arvit::OrderPolicy<arvit::Segments<2>>, arvit::Target<arvit::Gaussian<3>>>;
using OwnModels = arvit::ModelList<arvit::Variant<Mine, "Mine">>;
