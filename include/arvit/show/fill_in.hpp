// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "arvit/model/generate.hpp"
#include "arvit/model/sample.hpp"
#include "arvit/show/reconstruct.hpp"
#include "arvit/teacher/tokenizer.hpp"

/// Pictures of which a model is given a part and predicts the rest, from its own predictions where
/// it predicts group after group.
namespace arvit {

namespace detail {
/// Ranks of a picture whose first `given` patches of `order` are given (0), the others cut into
/// equally large groups 1 .. groups.
inline std::vector<int> ranks_in_groups(std::span<const int> order, int given, int groups) {
  if (groups < 1)
    fail<OptionError>("the patches are cut into ", groups, " groups; it must be at least 1.");
  std::vector<int> ranks(order.size());
  const int predicted = static_cast<int>(order.size()) - given;
  for (int place = 0; place < predicted; ++place)
    ranks[order[given + place]] = 1 + static_cast<int>(std::int64_t{place} *
                                                       std::min(groups, predicted) / predicted);
  return ranks;
}
inline std::vector<int> random_patches(int patches, Counter picture) {
  std::vector<int> order(patches);
  std::iota(order.begin(), order.end(), 0);
  Stream draws(picture.with(Purpose::order));
  shuffle(std::span<int>(order), draws);
  return order;
}
}  // namespace detail

/// Ranks of the patches of a picture: a random part is given (0), the rest is cut into `groups`
/// equally large pieces (1 .. groups) in random order. The same counter gives the same part
/// whatever the number of groups (GVP, appendix F). Of fewer patches than groups each is one.
inline std::vector<int> masked_ranks(int patches, double mask_ratio, int groups, Counter picture) {
  if (!(mask_ratio > 0 && mask_ratio <= 1))
    fail<OptionError>("the share that is masked is ", mask_ratio,
                      "; it must be above 0 and at most 1.");
  const int given = static_cast<int>(patches * (1 - mask_ratio) + 1e-9);
  return detail::ranks_in_groups(detail::random_patches(patches, picture),
                                 std::min(patches - 1, given), groups);
}
/// ... the upper rows are given, as many as the share `keep` of all.
inline std::vector<int> completion_ranks(int rows, int columns, double keep, int groups,
                                         Counter picture) {
  if (!(keep >= 0 && keep < 1))
    fail<OptionError>("the share that is kept is ", keep, "; it must be 0 or more and below 1.");
  const int given = static_cast<int>(rows * keep + 1e-9) * columns;
  std::vector<int> order = detail::random_patches(rows * columns, picture);
  std::stable_partition(order.begin(), order.end(), [&](int patch) { return patch < given; });
  return detail::ranks_in_groups(order, given, groups);
}

/// What turns predictions into pictures.
struct FillOptions {
  Normalisation normalisation{};       ///< of the images
  const Codebook* codebook = nullptr;  ///< of a model of codes
  Sampling sampling{};                 ///< ... how they are drawn
  int batch = 32;  ///< most images at once; the result does not depend on it, up to rounding
};

namespace detail {
template <class Model> inline constexpr bool predicts_codes = requires {
  Model::Target::Kind::classes;
};
template <class Model>
inline constexpr bool predicts_pixels =
    (PredictsPixels<Model>)&&(Model::batch_widths.beside_pixels().total() == 0);
template <class Model>
inline constexpr bool fills_in_one_pass =
    (predicts_pixels<Model>)&&(NeedsTwoGroups<typename Model::Decoder>);

/// A Causal decoder's prediction is for the patch that follows in its order, which goes through all
/// patches, given or not, one per rank: behind the given ones at its beginning, as far as these are
/// in reading order, in which the generator reads what has rank 0.
template <class Model>
std::vector<int> ranks_one_by_one(std::span<const int> ranks, Counter picture) {
  using Grid = typename Model::Grid;
  std::vector<int> result(ranks.size());
  if constexpr (KeyOrder<typename Model::Order, Grid>) {
    std::vector<float> key(ranks.size());
    std::vector<int> order(ranks.size());
    Model::Order::template keys<Grid>(picture, std::span<float>(key));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key[a] < key[b]; });
    int next = 0, last = -1;
    for (const int patch : order) {
      if (next == 0 && ranks[patch] == 0 && patch > last)
        last = patch;
      else
        result[patch] = ++next;
    }
  } else {
    fail<OptionError>(
        "the model's order follows from its features of the whole picture; choose a model of "
        "another order.");
  }
  return result;
}
/// The codebook's centroid as a patch of normalised pixels.
template <class Grid>
std::vector<float> patch_of_code(const Codebook& codebook, std::int32_t code,
                                 const Normalisation& normalisation) {
  std::vector<float> patch(
      codebook.centroids.begin() + std::int64_t{code} * codebook.width(),
      codebook.centroids.begin() + (std::int64_t{code} + 1) * codebook.width());
  for (std::size_t i = 0; i < patch.size(); ++i)
    patch[i] = (patch[i] - normalisation.mean[i % 3]) / normalisation.deviation[i % 3];
  return patch;
}

/// Group after group, what is predicted becomes content. `codes` [images, patches], of an encoder
/// that reads them, go with the images.
template <class Model, Device D>
void fill_batch_by_groups(Generator<Model, D>& generator, std::span<float> images,
                          std::span<float> codes, std::span<const int> ranks,
                          std::span<const Counter> counters, const FillOptions& options) {
  using Grid = typename Model::Grid;
  constexpr int patches = Grid::patches, width = Model::target_width;
  std::vector<int> order(ranks.begin(), ranks.end());
  if constexpr (NeedsOnePatchPerGroup<typename Model::Decoder>)
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const auto one = ranks_one_by_one<Model>(ranks.subspan(i * patches, patches), counters[i]);
      std::copy(one.begin(), one.end(), order.begin() + i * patches);
    }
  std::vector<float> truth;
  if constexpr (predicts_pixels<Model> && Model::Target::standardise)
    truth = raw_targets<Model>(images);
  generator.begin(order);
  while (generator.remaining() > 0) {
    const auto prediction = generator.predict({.pixels = images, .codes = codes});
    for (std::size_t r = 0; r < prediction.patch.size(); ++r) {
      const std::int64_t i = prediction.image[r];
      const int patch = prediction.patch[r];
      const std::int64_t at = i * patches + patch;
      if (ranks[at] == 0) continue;  // a Causal decoder passes by what is given
      std::vector<float> values(prediction.values.begin() + r * width,
                                prediction.values.begin() + (r + 1) * width);
      if constexpr (predicts_codes<Model>) {
        const std::int32_t code = draw_code<float>(
            values, options.sampling,
            counters[i].with(Purpose::sample, static_cast<std::uint32_t>(patch)));
        values = patch_of_code<Grid>(*options.codebook, code, options.normalisation);
        if (Model::reads_codes) codes[at] = static_cast<float>(code);
      } else if constexpr (Model::Target::standardise) {
        unstandardise<Model>(truth.data() + at * width, values.data());
      }
      put_patch<Grid>(values.data(), patch, images.data() + i * Grid::image_width);
    }
  }
}
}  // namespace detail

/// Whether fill_in knows a way for the model.
template <class Model>
inline constexpr bool fills_in = detail::fills_in_one_pass<Model> ||
                                 (Model::Encoder::condition_width == 0 &&
                                  predicts_by_groups<Model> &&
                                  (detail::predicts_pixels<Model> ||
                                   detail::predicts_codes<Model>));

/// Images [counters.size(), 3, height, width], normalised, with the patches whose rank is not 0 as
/// the model predicts them. Ranks [images, patches] are in reading order. TwoStream and Parallel
/// predict equal ranks together, from what is given and the predictions of lower ranks; Causal one
/// patch after another in the model's own order; Joint and InPlace all in one pass, whatever their
/// ranks. Standardised predictions get the mean and deviation of the true patch, which must
/// therefore be there (reconstruction_note says so). OptionError for a model of codes without its
/// codebook.
template <class Model, Device D>
std::vector<float> fill_in(D& device, std::span<const float> parameters,
                           std::span<const float> images, std::span<const int> ranks,
                           std::span<const Counter> counters, const FillOptions& options) {
  using Grid = typename Model::Grid;
  static_assert(fills_in<Model>,
                "fill_in<Model>: the model must predict pixels or codes, with TwoStream, Parallel "
                "or Causal, or pixels with Joint or InPlace, and have no conditions.");
  detail::check_images<Model>(images, counters.size());
  if (ranks.size() != counters.size() * Grid::patches)
    fail<ShapeError>("fill_in: ", ranks.size(), " ranks for ", counters.size(), " images of ",
                     Grid::patches, " patches.");
  check(options.sampling);
  if constexpr (detail::predicts_codes<Model>) {
    if (options.codebook == nullptr)
      fail<OptionError>("the model predicts codes; give the codebook that it was trained with.");
    if (options.codebook->codes() != Model::target_width || options.codebook->patch != Grid::patch)
      fail<OptionError>("the codebook has ", options.codebook->codes(), " codes for patches of ",
                        options.codebook->patch, " pixels, the model has ", Model::target_width,
                        " for patches of ", Grid::patch,
                        "; give the one that it was trained with.");
  }
  if (options.batch < 1)
    fail<OptionError>("batch: ", options.batch, " images; it must be at least 1.");
  std::vector<float> result(images.begin(), images.end());
  if (counters.empty()) return result;
  const auto batch = std::min<std::size_t>(options.batch, counters.size());
  const auto each_batch = [&](auto&& fill) {
    for (std::size_t first = 0; first < counters.size(); first += batch) {
      const std::size_t count = std::min(batch, counters.size() - first);
      fill(std::span(result).subspan(first * Grid::image_width, count * Grid::image_width),
           ranks.subspan(first * Grid::patches, count * Grid::patches),
           counters.subspan(first, count));
    }
  };
  if constexpr (detail::fills_in_one_pass<Model>) {
    each_batch([&](std::span<float> part, std::span<const int> part_ranks, auto) {
      std::vector<int> masked;
      std::vector<float> pixels;
      std::vector<std::size_t> pictures;  // of which something is masked
      for (std::size_t i = 0; i < part_ranks.size() / Grid::patches; ++i) {
        const auto of_picture = part_ranks.subspan(i * Grid::patches, Grid::patches);
        if (*std::max_element(of_picture.begin(), of_picture.end()) == 0) continue;
        pictures.push_back(i);
        for (const int rank : of_picture) masked.push_back(std::min(rank, 1));
        pixels.insert(pixels.end(), part.begin() + i * Grid::image_width,
                      part.begin() + (i + 1) * Grid::image_width);
      }
      if (pictures.empty()) return;
      PatchPredictor<Model, D> model(device, masked);
      model.load(parameters);
      const auto predicted = reconstruct(model, std::span<const float>(pixels),
                                         std::span<const int>(masked));
      for (std::size_t i = 0; i < predicted.size(); ++i)
        std::copy(predicted[i].predicted.begin(), predicted[i].predicted.end(),
                  part.begin() + pictures[i] * Grid::image_width);
    });
  } else {
    Generator<Model, D> generator(device, static_cast<int>(batch));
    generator.load(parameters);
    each_batch([&](auto part, auto part_ranks, auto part_counters) {
      std::vector<float> codes(Model::reads_codes ? part_ranks.size() : 0);
      if constexpr (Model::reads_codes)
        CodebookTeacher<D>(device, *options.codebook, Grid::height, Grid::width,
                           options.normalisation)(part.data(), part_counters, codes.data());
      detail::fill_batch_by_groups<Model>(generator, part, codes, part_ranks, part_counters,
                                          options);
    });
  }
  return result;
}

/// Made-up pictures in a square grid; with a note, which says how given ones were completed, one
/// row per picture: itself, its given part, its completion.
template <class Grid>
Canvas samples_picture(std::span<const float> images, std::span<const float> filled,
                       std::span<const int> ranks, const Normalisation& normalisation,
                       const std::string& note = {}) {
  std::vector<std::vector<Canvas>> rows;
  std::vector<Canvas> made_up;
  for (std::size_t i = 0; i < ranks.size() / Grid::patches; ++i) {
    const auto picture = [&](std::span<const float> of) {
      return picture_of(of.subspan(i * Grid::image_width, Grid::image_width), Grid::height,
                        Grid::width, normalisation);
    };
    made_up.push_back(picture(filled));
    std::vector<int> mask(ranks.begin() + i * Grid::patches,
                          ranks.begin() + (i + 1) * Grid::patches);
    for (int& rank : mask) rank = std::min(rank, 1);
    rows.push_back(
        {picture(images), ordered_view(picture(images), mask, Grid::patch), made_up.back()});
  }
  if (!note.empty())
    return labelled_grid(std::vector<std::string>{"picture", "given", "completed"}, rows, note);
  const std::vector<Pixels> views(made_up.begin(), made_up.end());
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(views.size()))));
  return tile(views, columns, 4, std::max(1, 112 / std::max(Grid::height, Grid::width)));
}

}  // namespace arvit
