// SPDX-License-Identifier: BSL-1.0
// The training step without the trainer: pictures of one's own, a loop of one's own, an optimiser
// of one's choice (here SGD with momentum; tests/extend/extend.cpp has one of a user's own).
#include <cmath>
#include <iostream>

#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "arvit/train/step.hpp"
#include "arvit/variants.hpp"

using namespace arvit;
using Model = SAIM<ViT<4, 64, 4, Patch<4>, Image<28>>, Parallel<4>>;

// Rings around a random centre, of the colours and widths that the picture's number draws.
void draw(Counter image, float* pixels) {
  constexpr int side = Model::Grid::width;
  Stream random(image);
  const float y0 = side * random.uniform(), x0 = side * random.uniform(),
              width = 1 + 2 * random.uniform();
  for (int channel = 0; channel < 3; ++channel) {
    const float phase = 6 * random.uniform();
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        *pixels++ = std::sin(
            phase + std::hypot(static_cast<float>(y) - y0, static_cast<float>(x) - x0) / width);
  }
}

int main() {
  constexpr int batch = 32, steps = 100;
  Cpu<Fp32> device;
  Step<Model, Cpu<Fp32>, SGD> step(device, {.micro_batch = batch});
  step.initialise(1);
  std::vector<float> images(batch * Model::Grid::image_width);
  for (std::uint32_t number = 0; number < steps; ++number) {
    std::vector<Counter> counters;
    for (std::uint32_t i = 0; i < batch; ++i) {
      counters.push_back(Counter{.seed = 1, .epoch = 0, .image = number * batch + i});
      draw(counters.back(), &images[i * Model::Grid::image_width]);
    }
    step.begin(counters);
    step.accumulate({.pixels = images}, counters);  // once per micro-batch
    // Throws NumericError when a gradient is not finite.
    const double norm = step.update({.learning_rate = 0.3, .momentum = 0.9});
    if (number % 10 == 9)
      std::cout << "step " << number + 1 << "  loss " << step.loss() << "  gradient " << norm
                << std::endl;
  }
}
