// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/trainer.hpp"
#include "support/made_pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
/// Parameters after three steps on the processor, and the gradients of the first.
struct Outcome {
  std::vector<float> gradients, parameters;
};
Outcome outcome(int threads, int micro_batch) {
  using Device = Cpu<Fp32>;
  const test::TemporaryFolder folder;
  TrainerOptions options;
  options.files.out = folder.path().string();
  options.seed = 3;
  options.schedule.epochs = 1;
  options.schedule.warmup = 0;
  options.schedule.lr = 0.01;
  options.batch.size = 6;
  options.batch.micro = micro_batch;
  Device device({threads, {}});
  auto loader = test::made_loader({18, 12}, options.batch.images_per_micro_batch(),
                                  options.batch.accumulation(), options.seed, threads);
  Trainer<test::SmallModel<Semantic<>>, Device, decltype(loader)> trainer(
      device, loader, options, {}, {{nullptr, false}, {}});
  const auto copy = [](const auto& buffer) {
    return std::vector<float>(buffer.data(), buffer.data() + buffer.size());
  };
  Outcome result;
  trainer.train_step();
  result.gradients = copy(trainer.step().gradients());
  trainer.train_step();
  trainer.train_step();
  result.parameters = copy(trainer.step().masters());
  return result;
}
}  // namespace

TEST_CASE("threads: one, two and three give the same bits") {
  const Outcome one = outcome(1, 3);
  for (const int threads : {2, 3}) {
    const Outcome more = outcome(threads, 3);
    CHECK(more.gradients == one.gradients);
    CHECK(more.parameters == one.parameters);
  }
}

TEST_CASE("threads: gradients of any micro-batch agree to 1e-6") {
  const std::vector<float> whole = outcome(2, 6).gradients;
  float largest = 0;
  for (const float value : whole) largest = std::max(largest, std::abs(value));
  for (const int micro_batch : {1, 2, 3}) {
    const std::vector<float> parts = outcome(2, micro_batch).gradients;
    float difference = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
      difference = std::max(difference, std::abs(parts[i] - whole[i]));
    CHECK(difference <= 1e-6f * largest);
  }
}
