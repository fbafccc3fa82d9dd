// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "arvit/core/random.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/step.hpp"
#include "timed_device.hpp"

namespace arvit::bench {

/// A model's step on made images, and the products that it cannot do without.
template <class Model, class P>
class StepBench {
 public:
  using Device = Timed<Cpu<P>>;

  StepBench(int threads, int batch, StepOptions options)
      : device(CpuOptions{threads, {}}), batch_(batch), micro_batch_(options.micro_batch), step_(device, options), images_(static_cast<std::size_t>(batch * width)),
        given_(static_cast<std::size_t>(options.micro_batch) * Model::given_width) {
    step_.initialise(1);
    Stream random(Counter{.seed = 1});
    for (float& value : images_) value = 2 * random.uniform() - 1;
    for (float& value : given_) value = 2 * random.uniform() - 1;
  }
  /// One step of the whole batch. The number draws its orders.
  void run(int number) {
    const auto counters = counters_of(number);
    const std::span<const Counter> all(counters);
    step_.begin(all);
    for (int at = 0; at < batch_; at += micro_batch_)
      step_.accumulate(&images_[static_cast<std::size_t>(at * width)], all.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(std::min(micro_batch_, batch_ - at))),
                       given_.data());
    step_.update({.learning_rate = 1e-4}, 1.0);
  }
  double loss() const { return step_.loss(); }
  /// Multiply-adds of a step: those of a forward pass over what is alive, three times, and those of the order once. Counted on one image.
  double minimum() {
    const auto counters = counters_of(1);
    const Span<const float> pixels(images_.data(), width);
    device.clear();
    const Span<const float> given(given_.data(), Model::given_width);
    step_.pass().order(step_.reading(), pixels, std::span<const Counter>(counters).first(1), given);
    const double order = device.macs();
    step_.pass().run(step_.reading(), nullptr, pixels, {}, given);
    return (order + 3 * (device.macs() - order)) * batch_;
  }

  Device device;

 private:
  static constexpr std::int64_t width = Model::Grid::image_width;
  std::vector<Counter> counters_of(int number) const {
    std::vector<Counter> counters;
    for (int i = 0; i < batch_; ++i) counters.push_back({.seed = 1, .epoch = static_cast<std::uint32_t>(number), .image = static_cast<std::uint32_t>(i)});
    return counters;
  }
  int batch_, micro_batch_;
  Step<Model, Device> step_;
  std::vector<float> images_, given_;  // given: the same numbers for every micro-batch
};

}  // namespace arvit::bench
