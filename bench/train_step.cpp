// SPDX-License-Identifier: BSL-1.0
// Images per second of the training step alone (order, forward, backward, AdamW), without data or files.
//
//   bench_train_step --model SemAIM_Nano --batch 256
#include <algorithm>
#include <chrono>
#include <iostream>
#include <span>
#include <vector>

#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/model_list.hpp"
#include "arvit/train/options.hpp"
#include "arvit/train/step.hpp"
#include "arvit/variants.hpp"

using namespace arvit;

using Models = WithExtraModels<ModelList<Variant<SemAIM_Pico, "SemAIM_Pico">, Variant<SemAIM_Nano, "SemAIM_Nano">, Variant<SAIM_B16, "SAIM_B16">>>::type;

template <class Model>
void measure(int batch, int micro_batch, int threads, int steps) {
  Cpu<Fp32> device({threads, {}});
  std::cout << device.describe() << "\n";
  Step<Model, Cpu<Fp32>> step(device, {.micro_batch = micro_batch, .average = true});
  step.initialise(1);
  std::vector<float> images(static_cast<std::size_t>(batch) * Model::Grid::image_width);
  Stream random(Counter{.seed = 1, .epoch = 0, .image = 0});
  for (float& value : images) value = 2 * random.uniform() - 1;
  std::vector<double> seconds;
  for (int number = 0; number <= steps; ++number) {
    std::vector<Counter> counters;
    for (int i = 0; i < batch; ++i) counters.push_back({.seed = 1, .epoch = static_cast<std::uint32_t>(number), .image = static_cast<std::uint32_t>(i)});
    const auto start = std::chrono::steady_clock::now();
    step.begin(counters);
    for (int at = 0; at < batch; at += micro_batch)
      step.accumulate(&images[static_cast<std::size_t>(at) * Model::Grid::image_width],
                      std::span<const Counter>(counters).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(std::min(micro_batch, batch - at))));
    step.update({.learning_rate = 1e-4}, 1.0);
    if (number > 0) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());  // the first takes the scratch
  }
  std::ranges::sort(seconds);
  std::cout << batch / seconds[seconds.size() / 2] << " images/s (median of " << steps << " steps), loss " << step.loss() << "\n";
}

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string model = "SemAIM_Nano";
    int batch = 256, micro_batch = 32, threads = 0, steps = 10;
    CommandLine line("Images per second of a training step in fp32.");
    line.add("model", model, "what to train");
    line.add("batch", batch, "images of a step");
    line.add("micro-batch", micro_batch, "images of one forward and backward");
    line.add("threads", threads, "threads; 0: all cores");
    line.add("steps", steps, "measured steps");
    line.parse(argc, argv);
    if (batch < 1 || micro_batch < 1 || steps < 1) fail<OptionError>("--batch, --micro-batch and --steps must be at least 1.");
    select_model(model, Models{}, [&]<class Model>() { measure<Model>(batch, micro_batch, threads, steps); });
  });
}
