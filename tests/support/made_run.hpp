// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/run/pretrain.hpp"
#include "support/made_pictures.hpp"

/// Short runs on twelve made pictures, for tests of what surrounds a trainer.
namespace arvit::test {

/// Every epoch is one step.
inline RunOptions made_run(const std::filesystem::path& out, const std::string& model, int epochs) {
  RunOptions options;
  options.model = model;
  options.data = "stripes";
  options.files.out = out.string();
  options.schedule.epochs = epochs;
  options.schedule.warmup = 0;
  options.batch.size = 12;
  return options;
}

/// ... of two micro-batches, with a learning rate that shows.
inline RunOptions quick_made_run(const std::filesystem::path& out, const std::string& model,
                                 int epochs) {
  RunOptions options = made_run(out, model, epochs);
  options.batch.micro = 6;
  options.schedule.lr = 0.01;
  return options;
}

/// pretrain() in the precision of D alone, which is half as much to compile.
template <class Model, class D = Cpu<Fp32>>
TrainingResult train(AnyDataset pictures, RunOptions options, TrainerHooks hooks) {
  options.machine.precision = std::is_same_v<D, Cpu<Bf16>> ? PrecisionName::bf16
                                                           : PrecisionName::fp32;
  return detail::run_on<Model, D>(detail::prepared<Model>(std::move(pictures), std::move(options)),
                                  std::move(hooks));
}
/// Many tests need one, so support/made_run.cpp has it.
extern template TrainingResult train<SmallModel<>>(AnyDataset, RunOptions, TrainerHooks);

/// Trains a SmallModel for a moment, as a teacher; returns its checkpoint.
inline std::string made_teacher(const std::filesystem::path& folder) {
  RunOptions options = made_run(folder, "Small", 1);
  options.pictures.normalise = Normalise::measured;
  return train<SmallModel<>>(MadePictures{12, 12}, options, {{nullptr, false}, {}}).checkpoint;
}

/// The loss of every step of a run.
template <class Model, class D = Cpu<Fp32>>
std::vector<double> losses_of(const RunOptions& options, std::ostream* output = nullptr) {
  std::vector<double> losses;
  train<Model, D>(MadePictures{12, 12}, options, {{output, false}, [&](const StepRecord& record) {
                                                    losses.push_back(record.loss);
                                                  }});
  return losses;
}

}  // namespace arvit::test
