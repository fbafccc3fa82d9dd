// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/step.hpp"
#include "timed_device.hpp"

namespace arvit::bench {

/// A model's step on made images, and the products that it cannot do without. A teacher that is an
/// encoder of ours runs in the step; other features, and codes, are made numbers.
template <class Model, class P> class StepBench {
 public:
  using Device = Timed<Cpu<P>>;

  StepBench(int threads, int batch, StepOptions options)
      : device(CpuOptions{threads, {}}),
        batch_(batch),
        micro_batch_(options.micro_batch),
        step_(device, options),
        images_(batch * width),
        memory_(widths.beside_pixels(), options.micro_batch),
        made_(memory_.first(options.micro_batch)) {
    step_.initialise(1);
    Stream random(Counter{.seed = 1});
    for (float& value : images_) value = 2 * random.uniform() - 1;
    for (float& value : made_.tokens) value = 2 * random.uniform() - 1;
    for (float& value : made_.conditions) value = 2 * random.uniform() - 1;
    if constexpr (UsesCodes<Model>)
      for (float& code : made_.codes) code = static_cast<float>(random.below(Model::codes));
    if constexpr (LearnsFromEncoder<Model>) {
      using Teacher = typename Model::Target::Kind::Teacher;
      teacher_ = std::make_unique<FeatureExtractor<Teacher, Device>>(
          device, FeatureOptions{.batch = micro_batch_, .features = {Feature{Readout::tokens}}});
      std::vector<float> parameters(Teacher::parameter_count);
      for (float& value : parameters) value = 0.02f * (2 * random.uniform() - 1);
      teacher_->load(parameters);
    }
  }
  /// One step of the whole batch. The number draws its orders.
  void run(int number) {
    const auto counters = counters_of(number);
    const std::span<const Counter> all(counters);
    step_.begin(all);
    for (int at = 0; at < batch_; at += micro_batch_) {
      const float* const images = &images_[at * width];
      const auto part = all.subspan(at, std::min(micro_batch_, batch_ - at));
      if (teacher_)
        teacher_->extract(images, static_cast<std::int64_t>(part.size()), made_.tokens.data());
      step_.accumulate(batch_of(images, static_cast<std::int64_t>(part.size())), part);
    }
    step_.update({.learning_rate = 1e-4}, 1.0);
  }
  double loss() const { return step_.loss(); }
  /// Multiply-adds of step `number`: those of a forward pass over what is alive, three times, and
  /// those of order and teacher once. Counted image by image, on one where all have the same
  /// groups.
  double minimum(int number) {
    const auto counters = counters_of(number);
    const int counted = Model::Order::fixed_profile ? 1 : batch_;
    double sum = 0;
    for (int i = 0; i < counted; ++i) {
      const Batch<const float> image = batch_of(&images_[i * width], 1);
      device.clear();
      if (teacher_) teacher_->extract(&images_[i * width], 1, made_.tokens.data());
      step_.pass().order(step_.reading(), image, std::span(counters).subspan(i, 1));
      const double once = device.macs();
      step_.pass().run(step_.reading(), nullptr, image, {});
      sum += once + 3 * (device.macs() - once);
    }
    return sum / counted * batch_;
  }

  Device device;

 private:
  static constexpr std::int64_t width = Model::Grid::image_width;
  static constexpr BatchWidths widths = Model::batch_widths;
  Batch<const float> batch_of(const float* images, std::int64_t count) {
    Batch<const float> batch = made_;
    batch.pixels = {images, count * width};
    return batch.first(count, widths);
  }
  std::vector<Counter> counters_of(int number) const {
    std::vector<Counter> counters;
    for (int i = 0; i < batch_; ++i)
      counters.push_back({.seed = 1,
                          .epoch = static_cast<std::uint32_t>(number),
                          .image = static_cast<std::uint32_t>(i)});
    return counters;
  }
  int batch_, micro_batch_;
  Step<Model, Device> step_;
  std::vector<float> images_;
  HostBatch<float> memory_;
  Batch<float> made_;  // without a teacher, the same numbers for every micro-batch
  std::unique_ptr<FeatureSource<float>> teacher_;
};

}  // namespace arvit::bench
