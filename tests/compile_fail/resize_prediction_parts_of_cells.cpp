// SPDX-License-Identifier: BSL-1.0
// expect: Target<..., ResizePrediction<Rows, Columns>>: clusters of Rows x Columns patches must
// divide the grid and cover whole cells of a teacher with a class token.
#include <arvit/models.hpp>

#include <arvit/device/planner.hpp>
using Bad =
    arvit::DiGPT<arvit::ViT_B16<>, arvit::Target<arvit::CLIP<>, arvit::ResizePrediction<2, 2>>,
                 arvit::Twin<2, 1024>, arvit::Cluster<7, 7>>;
int main() {
  return arvit::PretrainPass<Bad, arvit::Planner<arvit::Fp32>>::activation_bytes(1, true) > 0;
}
