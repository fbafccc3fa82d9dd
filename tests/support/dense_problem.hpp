// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <vector>

#include "arvit/core/layout.hpp"
#include "support/dense.hpp"

namespace arvit::test {

/// What a dense model needs to know of an encoder, or of a model with it: extents, the tensors of
/// its parameters, and images, all of whose patches have rank 0.
template <class Encoder>
dense::Problem problem_of(std::span<const PlacedTensor> tensors,
                          const std::vector<double>& parameters,
                          const std::vector<double>& images) {
  using Grid = typename Encoder::Grid;
  dense::Problem problem;
  problem.height = Grid::height;
  problem.width = Grid::width;
  problem.patch = Grid::patch;
  problem.dim = Encoder::dim;
  problem.depth = Encoder::depth;
  problem.heads = Encoder::heads;
  problem.class_token = Encoder::has_class_token;
  problem.images = images;
  problem.images_count = static_cast<int>(images.size() / Grid::image_width);
  problem.ranks.assign(problem.images_count, std::vector<int>(Grid::patches, 0));
  for (const auto& [name, tensor, offset] : tensors)
    problem.parameters[name] = {parameters.begin() + offset,
                                parameters.begin() + offset + tensor.size()};
  return problem;
}

}  // namespace arvit::test
