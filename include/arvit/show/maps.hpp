// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "arvit/model/features.hpp"
#include "arvit/model/patch_predictor.hpp"
#include "arvit/show/canvas.hpp"
#include "arvit/show/reconstruct.hpp"

/// What a checkpoint makes of pictures: the order it would read them in, what its class token
/// attends to, and which patches are like it.
namespace arvit {

/// Of one image, over its patches in reading order.
struct PatchMaps {
  std::vector<float> order;  ///< rank
  /// Of the class token in the last layer, mean over heads; empty without a class token, of codes
  /// and with conditions.
  std::vector<float> attention;
  std::vector<std::vector<float>> heads;  ///< ... each head
  /// Cosine of class token and patch after the final norm; empty without a class token.
  std::vector<float> similarity;
};

/// Maps of images [counters.size(), 3, height, width]; `parameters` are all of the model's.
template <class Model, Device D>
std::vector<PatchMaps> patch_maps(D& device, std::span<const float> parameters,
                                  std::span<const float> images, std::span<const Counter> counters,
                                  int layer = 0) {
  using Encoder = typename Model::Encoder;
  constexpr int patches = Model::Grid::patches;
  const int count = static_cast<int>(counters.size());
  if (images.size() != counters.size() * Model::Grid::image_width)
    fail<ShapeError>("maps: ", images.size(), " pixel values for ", counters.size(), " images of ",
                     Model::Grid::image_width, ".");
  PatchPredictor<Model, D> model(device, count);
  model.load(parameters);
  const std::vector<int> ranks = model.order(images.data(), counters);
  std::vector<PatchMaps> maps(counters.size());
  for (std::size_t i = 0; i < maps.size(); ++i)
    maps[i].order.assign(ranks.begin() + i * patches, ranks.begin() + (i + 1) * patches);
  // What codes and conditions are made of is not here.
  constexpr bool reads_pixels = Encoder::codes == 0 && Encoder::condition_width == 0;
  if constexpr (Encoder::has_class_token && reads_pixels) {
    FeatureExtractor<Encoder, D> extractor(
        device, {.batch = count,
                 .features = {{Readout::attention, layer}, {Readout::class_cosine, layer}}});
    extractor.load(encoder_parameters<Model>(parameters));
    const auto features = extractor.extract(images);
    for (std::size_t i = 0; i < maps.size(); ++i) {
      const float* row = features.data() + i * extractor.width();
      maps[i].attention.assign(patches, 0.0f);
      for (int h = 0; h < Encoder::heads; ++h) {
        maps[i].heads.emplace_back(row + h * patches, row + (h + 1) * patches);
        for (std::size_t p = 0; p < patches; ++p)
          maps[i].attention[p] += maps[i].heads.back()[p] / Encoder::heads;
      }
      maps[i].similarity.assign(row + extractor.begin(1), row + extractor.end(1));
    }
  }
  return maps;
}

/// One row per image: the picture, the order, and where there is a class token similarity and
/// attention, with `heads` every head's. Each map runs from its smallest value (dark) to its
/// largest (bright).
template <class Model>
Canvas maps_picture(std::span<const float> images, std::span<const PatchMaps> maps,
                    const Normalisation& normalisation, bool heads) {
  using Grid = typename Model::Grid;
  std::vector<std::string> titles{"picture", "order"};
  std::vector<std::vector<Canvas>> rows;
  const bool class_token = !maps.empty() && !maps[0].attention.empty();
  if (class_token) titles.insert(titles.end(), {"similarity", "attention"});
  if (class_token && heads)
    for (std::size_t h = 0; h < maps[0].heads.size(); ++h) titles.push_back(text("head ", h + 1));
  const auto map = [](const std::vector<float>& values) {
    return heat_map(values, Grid::rows, Grid::columns, Grid::patch);
  };
  for (std::size_t i = 0; i < maps.size(); ++i) {
    rows.push_back({picture_of(images.subspan(i * Grid::image_width, Grid::image_width),
                               Grid::height, Grid::width, normalisation),
                    map(maps[i].order)});
    if (!class_token) continue;
    rows.back().push_back(map(maps[i].similarity));
    rows.back().push_back(map(maps[i].attention));
    if (!heads) continue;
    for (const auto& head : maps[i].heads) rows.back().push_back(map(head));
  }
  return labelled_grid(titles, rows);
}

}  // namespace arvit
