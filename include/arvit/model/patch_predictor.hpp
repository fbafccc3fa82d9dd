// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "arvit/core/buffer.hpp"
#include "arvit/model/pretrain_pass.hpp"

namespace arvit {

/// A pretrainer that only looks: the orders it draws and the patches it predicts, without
/// gradients. Memory is taken once.
template <class Model, Device D> class PatchPredictor {
 public:
  using S = Statistic<D>;
  using Space = SpaceOf<D>;
  using Grid = typename Model::Grid;
  using Pass = typename Model::template Pass<D>;
  static_assert(std::is_same_v<Weight<D>, S>,
                "PatchPredictor<Model, Device>: products read the parameters themselves; use a "
                "device whose weights are as wide as its statistics.");

  /// One row per patch that carries loss.
  struct Prediction {
    std::vector<std::int32_t> image, patch;  ///< of every row; patches in reading order
    std::vector<float> values;               ///< [rows, target_width], as the model predicts them
  };

  PatchPredictor(D& device, int most_images)
      : device_(device),
        parameters_(device, Model::parameter_count),
        batch_(device, widths, most_images),
        pass_(device, most_images, Pass::activation_bytes(most_images, false)) {}

  /// For images of these ranks [images, patches] alone (order_by_ranks).
  PatchPredictor(D& device, std::span<const int> ranks)
      : device_(device),
        parameters_(device, Model::parameter_count),
        batch_(device, widths, static_cast<std::int64_t>(ranks.size()) / Grid::patches),
        pass_(device, static_cast<int>(ranks.size()) / Grid::patches, activation_bytes(ranks)) {}

  void load(std::span<const S> parameters) {
    if (static_cast<std::int64_t>(parameters.size()) != Model::parameter_count)
      fail<ShapeError>("pretrainer: ", parameters.size(), " parameters are given, the model has ",
                       Model::parameter_count, ".");
    device_.upload(parameters.data(), parameters_.span());
  }
  /// Draws the orders of images [counters.size(), 3, height, width]. Result [images, patches]:
  /// ranks in reading order, 0 is the condition.
  std::vector<int> order(const S* images, std::span<const Counter> counters) {
    if (detail::OrderFromTeacher<typename Model::Order>)
      fail<OptionError>(
          "the model's order comes from its teacher, who is not here; choose another model.");
    if (Model::reads_codes && FeatureOrder<typename Model::Order>)
      fail<OptionError>(
          "the model's order comes from codes, whose tokenizer is not here; choose another model.");
    count_ = static_cast<std::int64_t>(counters.size());
    pass_.order(reading(), upload(images), counters);
    const auto permutation = pass_.permutation();
    std::vector<int> ranks(permutation.size());
    std::array<int, Grid::patches + 1> ends{};
    for (std::size_t i = 0; i < counters.size(); ++i) {
      Model::Order::template profile<Grid>(counters[i], std::span<int>(ends));
      for (int place = 0, rank = 0; place < Grid::patches; ++place) {
        while (ends[static_cast<std::size_t>(rank)] <= place) ++rank;
        ranks[i * Grid::patches +
              static_cast<std::size_t>(
                  permutation[i * Grid::patches + static_cast<std::size_t>(place)])] = rank;
      }
    }
    return ranks;
  }
  /// Takes given ranks [images, patches] instead, in reading order.
  void order_by_ranks(const S* images, std::span<const int> ranks) {
    count_ = static_cast<std::int64_t>(ranks.size()) / Grid::patches;
    upload(images);
    pass_.order_by_ranks(ranks);
  }
  /// Predictions of every stream for the images that were ordered last.
  std::vector<Prediction> predict() {
    constexpr std::int64_t beside = Model::batch_widths.beside_pixels().total();
    if (beside > 0 && beside == Model::batch_widths.conditions)
      fail<OptionError>(
          "the model has conditions, and what makes them is not here; choose a model without.");
    if (beside > 0)
      fail<OptionError>(
          "the model predicts features or codes of a teacher, who is not here; choose a model that "
          "predicts pixels.");
    const auto permutation = pass_.permutation();
    std::vector<Prediction> result;
    pass_.run(reading(), nullptr, batch_.first(count_), pass_.mean_scale(),
              [&](std::size_t stream, const auto& rows) {
                Prediction prediction;
                std::vector<Activation<D>> values(
                    static_cast<std::size_t>(rows.rows() * Model::target_width));
                device_.download(Span<const Activation<D>, Space>(
                                     rows.data(), static_cast<std::int64_t>(values.size())),
                                 values.data());
                const auto& source = pass_.tables().streams[stream].source;
                for (std::size_t r = 0; r < source.size(); ++r) {
                  if (source[r] < 0) continue;  // a class query predicts no patch
                  prediction.image.push_back(source[r] / Grid::patches);
                  prediction.patch.push_back(permutation[source[r]]);
                  const auto row = values.begin() +
                                   static_cast<std::ptrdiff_t>(r) * Model::target_width;
                  prediction.values.insert(prediction.values.end(), row, row + Model::target_width);
                }
                result.push_back(std::move(prediction));
              });
    return result;
  }

 private:
  static std::int64_t activation_bytes(std::span<const int> ranks) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    const auto images = static_cast<std::int64_t>(ranks.size()) / Grid::patches;
    typename Model::template Pass<P> pass(planner, static_cast<int>(images), 0);
    pass.order_by_ranks(ranks);
    pass.run(typename Model::template Pass<P>::Parameters(Reading<P>(nullptr, nullptr)), nullptr,
             DeviceBatch<P>().first(images, Model::batch_widths), {});
    return pass.peak_bytes();
  }
  typename Pass::Parameters reading() const {
    return typename Pass::Parameters(Reading<D>(parameters_.data(), parameters_.data()));
  }

  /// The pixels alone: what makes the rest is not here.
  static constexpr BatchWidths widths{.pixels = Model::batch_widths.pixels};
  DeviceBatch<D> upload(const S* images) {
    return batch_.upload({.pixels = {images, count_ * widths.pixels}}, count_);
  }

  D& device_;
  Buffer<D, S> parameters_;
  DeviceBatchMemory<D, S> batch_;
  Pass pass_;
  std::int64_t count_ = 0;
};

}  // namespace arvit
