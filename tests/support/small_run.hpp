// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <signal.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/trainer.hpp"
#include "support/made_pictures.hpp"

/// Runs of a trainer: nine steps of a small model, a checkpoint after every second.
namespace arvit::test::small {

inline TrainerOptions small_options(const std::filesystem::path& out) {
  TrainerOptions options;
  options.model = "Small";
  options.files.out = out.string();
  options.seed = 5;
  options.schedule.epochs = 3;
  options.batch.size = 4;
  options.batch.micro = 2;
  options.schedule.lr = 0.01;
  options.schedule.warmup = 1;
  options.optimiser.ema = 0.9;
  options.optimiser.drop_path = 0.2;
  options.files.save_every = 2;
  options.files.keep = 0;
  return options;
}
inline TrainerHooks silent() { return {{nullptr, false}, {}}; }

template <class Model = SmallModel<>, class D = Reference<float>>
TrainingResult train(const TrainerOptions& options, D device = {}, TrainerHooks hooks = silent()) {
  auto loader = made_loader({}, options.batch.images_per_micro_batch(),
                            options.batch.accumulation(), options.seed, 1);
  Trainer<Model, D, decltype(loader)> trainer(device, loader, options, {}, std::move(hooks));
  return trainer.run();
}

/// Every tensor of a checkpoint, by name.
inline std::map<std::string, std::vector<float>> tensors(const std::string& path) {
  const Safetensors file(path);
  std::map<std::string, std::vector<float>> all;
  for (const StoredTensor& tensor : file.tensors())
    all[tensor.name] = file.values<float>(tensor.name);
  return all;
}
inline std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream all;
  all << stream.rdbuf();
  return all.str();
}
/// The steps that a CSV log lists.
inline std::vector<std::int64_t> logged_steps(const std::filesystem::path& path) {
  std::istringstream lines(contents(path));
  std::vector<std::int64_t> steps;
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) steps.push_back(std::stoll(line));
  return steps;
}

/// Hooks that send the process this signal after a step.
inline TrainerHooks signal_after(std::int64_t step, int number) {
  TrainerHooks hooks = silent();
  hooks.after_step = [=](const StepRecord& record) {
    if (record.step == step) raise(number);
  };
  return hooks;
}

}  // namespace arvit::test::small
