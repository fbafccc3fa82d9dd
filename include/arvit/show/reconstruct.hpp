// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/data/augment.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/model/patch_predictor.hpp"
#include "arvit/show/canvas.hpp"

/// What a pretrainer predicts, as pictures.
namespace arvit {

/// One image; pixels [3, height, width], normalised as in pre-training.
struct Reconstruction {
  /// Target: what was to be predicted; patches without prediction are the original's.
  std::vector<float> original, target, predicted;
  std::vector<int> ranks;  ///< of the patches, in reading order
};

/// How predictions became pixels, to be printed beside every picture.
template <class Model> std::string reconstruction_note() {
  if constexpr (requires { Model::Target::Kind::classes; })
    return "predicted patches are drawn codes, shown as patches of the codebook";
  else
    return Model::Target::standardise ? "predicted patches are standardised; they are shown with "
                                        "the mean and deviation of the true patch"
                                      : "predicted patches are shown as they are";
}

namespace detail {
/// Writes a patch (row, column, channel) into planar pixels.
template <class Grid> void put_patch(const float* values, int patch, float* pixels) {
  const int top = patch / Grid::columns * Grid::patch, left = patch % Grid::columns * Grid::patch;
  for (int y = 0; y < Grid::patch; ++y)
    for (int x = 0; x < Grid::patch; ++x)
      for (int c = 0; c < Grid::channels; ++c)
        pixels[(c * Grid::height + top + y) * Grid::width + left + x] = *values++;
}

/// A predicted patch as pixels. Standardised ones get the mean and deviation of the true patch:
///   patch = mean + patch sqrt(variance + 1e-6)
/// with the variance divided by width - 1, as in MAE's code.
template <class Model> void unstandardise(const float* truth, float* patch) {
  if constexpr (Model::Target::standardise) {
    constexpr int width = Model::target_width;
    double mean = 0, variance = 0;
    for (int c = 0; c < width; ++c) mean += static_cast<double>(truth[c]) / width;
    for (int c = 0; c < width; ++c) variance += (truth[c] - mean) * (truth[c] - mean) / (width - 1);
    for (int c = 0; c < width; ++c)
      patch[c] = static_cast<float>(mean +
                                    static_cast<double>(patch[c]) * std::sqrt(variance + 1e-6));
  }
}

/// Every patch of every image as the target has it before it is standardised: [images * patches,
/// target_width].
template <class Model> std::vector<float> raw_targets(std::span<const float> images) {
  using Grid = typename Model::Grid;
  using Kind = typename Model::Target::Kind;
  Reference<float> device;
  const std::int64_t rows = static_cast<std::int64_t>(images.size()) / Grid::image_width *
                            Grid::patches;
  std::vector<std::int32_t> source(rows), order(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    source[i] = static_cast<std::int32_t>(i);
    order[i] = static_cast<std::int32_t>(i % Grid::patches);
  }
  std::vector<float> target(rows * Model::target_width);
  const auto run = [&](Arena arena) {
    using D = Reference<float>;
    Kind::template values<Grid>(
        Context<D>{device, arena},
        TargetInput<D>{.batch = {.pixels = images},
                       .shape = Model::Encoder::shape,
                       .from = {{source.data(), rows}, {order.data(), rows}}},
        Rows<float, Model::target_width>(target.data(), rows));
  };
  // At most one blurred copy.
  const std::int64_t bytes = static_cast<std::int64_t>(images.size() * sizeof(float)) + 65536;
  Buffer<Reference<float>, std::byte> memory(device, bytes);
  run(Arena(memory.data(), bytes));
  return target;
}
}  // namespace detail

namespace detail {
template <class Model, Device D>
std::vector<Reconstruction> reconstruct_ordered(PatchPredictor<Model, D>& model,
                                                std::span<const float> images,
                                                std::span<const int> ranks) {
  using Grid = typename Model::Grid;
  static_assert(PredictsPixels<Model>, "reconstruct: the model predicts no pixels.");
  const auto prediction = model.predict().front();
  const std::vector<float> raw = detail::raw_targets<Model>(images);
  std::vector<Reconstruction> result;
  for (std::size_t i = 0; i < ranks.size() / Grid::patches; ++i) {
    const std::vector<float> original(images.begin() + i * Grid::image_width,
                                      images.begin() + (i + 1) * Grid::image_width);
    result.push_back(
        {original,
         original,
         original,
         {ranks.begin() + i * Grid::patches, ranks.begin() + (i + 1) * Grid::patches}});
  }
  constexpr int width = Model::target_width;
  for (std::size_t r = 0; r < prediction.patch.size(); ++r) {
    Reconstruction& image = result[prediction.image[r]];
    const float* truth = raw.data() +
                         (std::int64_t{prediction.image[r]} * Grid::patches + prediction.patch[r]) *
                             width;
    std::vector<float> patch(prediction.values.begin() + r * width,
                             prediction.values.begin() + (r + 1) * width);
    unstandardise<Model>(truth, patch.data());
    put_patch<Grid>(patch.data(), prediction.patch[r], image.predicted.data());
    put_patch<Grid>(truth, prediction.patch[r], image.target.data());
  }
  return result;
}
template <class Model> void check_images(std::span<const float> images, std::size_t count) {
  if (images.size() != count * Model::Grid::image_width)
    fail<ShapeError>("reconstruct: ", images.size(), " pixel values for ", count, " images of ",
                     Model::Grid::image_width, ".");
}
}  // namespace detail

/// Orders and predicts images [counters.size(), 3, height, width]. Of several streams the first is
/// shown.
template <class Model, Device D>
std::vector<Reconstruction> reconstruct(PatchPredictor<Model, D>& model,
                                        std::span<const float> images,
                                        std::span<const Counter> counters) {
  detail::check_images<Model>(images, counters.size());
  const std::vector<int> ranks = model.order(images.data(), counters);
  return detail::reconstruct_ordered(model, images, ranks);
}
/// ... in the order of given ranks [images, patches], in reading order.
template <class Model, Device D>
std::vector<Reconstruction> reconstruct(PatchPredictor<Model, D>& model,
                                        std::span<const float> images, std::span<const int> ranks) {
  detail::check_images<Model>(images, ranks.size() / Model::Grid::patches);
  model.order_by_ranks(images.data(), ranks);
  return detail::reconstruct_ordered(model, images, ranks);
}

/// Planar normalised pixels as a picture.
inline Canvas picture_of(std::span<const float> pixels, int height, int width,
                         const Normalisation& normalisation) {
  Canvas canvas(height, width);
  const auto sample = [&](int c, int y, int x) {
    const float value = pixels[(c * height + y) * width + x];
    const float colour = value * normalisation.deviation[c] + normalisation.mean[c];
    return static_cast<std::uint8_t>(std::lround(std::clamp(255 * colour, 0.0f, 255.0f)));
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      canvas.set(y, x, {sample(0, y, x), sample(1, y, x), sample(2, y, x)});
  return canvas;
}

/// The picture as the encoder meets it: of two groups the second is grey; else every patch is
/// tinted by its rank, first dark, last bright.
inline Canvas ordered_view(const Canvas& picture, std::span<const int> ranks, int patch) {
  Canvas view = picture;
  const int columns = picture.width() / patch;
  const int last = *std::max_element(ranks.begin(), ranks.end());
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x) {
      const int rank = ranks[y / patch * columns + x / patch];
      const Colour own = picture.at(y, x);
      const auto mixed = [](std::uint8_t a, std::uint8_t b) {
        return static_cast<std::uint8_t>((a + 2 * b) / 3);
      };
      const Colour tint = heat_colour(last > 1 ? static_cast<double>(rank - 1) / (last - 1) : 0);
      if (last == 1)
        view.set(y, x, rank == 0 ? own : Colour{128, 128, 128});
      else if (rank > 0)
        view.set(
            y, x,
            {mixed(own.red, tint.red), mixed(own.green, tint.green), mixed(own.blue, tint.blue)});
    }
  return view;
}

/// `text` in lines whose labels are at most `width` pixels wide, or one word.
inline std::vector<std::string> lines_of(std::string_view text, int width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!lines.empty() && label_width(lines.back() + " " + word) <= width)
      lines.back() += " " + word;
    else
      lines.push_back(word);
  }
  return lines;
}

/// Labelled columns of pictures of one size, one row per image.
inline Canvas labelled_grid(std::span<const std::string> titles,
                            std::span<const std::vector<Canvas>> rows,
                            const std::string& note = {}) {
  if (rows.empty() || rows[0].empty())
    fail<ShapeError>("grid of pictures: there is none; give at least one.");
  const int height = rows[0][0].height(), width = rows[0][0].width(), margin = 6;
  const int scale = std::max(1, 112 / std::max(height, width));
  int cell = width * scale;
  for (const std::string& title : titles) cell = std::max(cell, label_width(title));
  const int line = label_height() + margin;
  int wide = margin + static_cast<int>(titles.size()) * (cell + margin);
  const std::vector<std::string> lines = lines_of(note, wide - 2 * margin);
  for (const std::string& words : lines) wide = std::max(wide, label_width(words) + 2 * margin);
  const int head = margin + line * (1 + static_cast<int>(lines.size()));
  Canvas canvas(head + static_cast<int>(rows.size()) * (height * scale + margin), wide);
  for (std::size_t i = 0; i < lines.size(); ++i)
    canvas.label(lines[i], margin + static_cast<int>(i) * line, margin);
  for (std::size_t c = 0; c < titles.size(); ++c) {
    const int left = margin + static_cast<int>(c) * (cell + margin);
    canvas.label(titles[c], head - margin - label_height(), left);
    for (std::size_t r = 0; r < rows.size(); ++r)
      canvas.draw(rows[r].at(c), head + static_cast<int>(r) * (height * scale + margin), left,
                  scale);
  }
  return canvas;
}

/// One row per image: the picture, its masked or ordered view, what was to be predicted, and what
/// was.
template <class Model>
Canvas reconstruction_picture(std::span<const Reconstruction> images,
                              const Normalisation& normalisation) {
  using Grid = typename Model::Grid;
  std::vector<std::vector<Canvas>> rows;
  const auto picture = [&](const std::vector<float>& pixels) {
    return picture_of(pixels, Grid::height, Grid::width, normalisation);
  };
  bool masked = true;
  for (const Reconstruction& image : images) {
    masked = masked && *std::max_element(image.ranks.begin(), image.ranks.end()) == 1;
    const Canvas original = picture(image.original);
    rows.push_back({original, ordered_view(original, image.ranks, Grid::patch),
                    picture(image.target), picture(image.predicted)});
  }
  const std::vector<std::string> titles{"picture", masked ? "visible" : "order", "target",
                                        "predicted"};
  return labelled_grid(titles, rows, reconstruction_note<Model>());
}

}  // namespace arvit
