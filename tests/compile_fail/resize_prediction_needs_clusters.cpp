// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: ResizePrediction<Rows, Columns> needs an order of clusters of Rows x Columns
// patches
#include <arvit/models.hpp>
constexpr auto count =
    arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>, arvit::ResizePrediction<7, 7>>,
                 arvit::Twin<2, 1024>, arvit::Stochastic>::parameter_count;
